export { createPruner } from './pruner.ts';
export { type Swept, sweep } from './sweep.ts';
