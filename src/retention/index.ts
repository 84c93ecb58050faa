export { type Swept, sweep } from './sweep.ts';
export { wireRetention } from './wire.ts';
