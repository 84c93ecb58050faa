export type { Serving, StoreFacts } from './messages.ts';
export { joinPrimary, type PrimaryLink } from './primary-link.ts';
export { countWorkers } from './worker-count.ts';
export { workerEnvironment } from './worker-environment.ts';
export { createWorkers, type Workers } from './workers.ts';
