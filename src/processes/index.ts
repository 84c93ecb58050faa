export type { Serving } from './messages.ts';
export { placeEnvironment } from './place.ts';
export { joinPrimary, type PrimaryLink } from './primary-link.ts';
export { countWorkers } from './worker-count.ts';
export { createWorkers, type Workers } from './workers.ts';
