import { layers } from './scripts/layers.ts';

export default layers(import.meta.dirname);
