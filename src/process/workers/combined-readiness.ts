import type { Readiness } from '../../health/index.ts';

/** What is known of a worker: what it said last, or that it has not been heard of for a while. */
export type WorkerState = Readiness | { state: 'silent' };

/** What the primary says of all: the best that any of its workers says, since each takes requests. */
export function combinedReadiness(workers: readonly WorkerState[]): Readiness {
  const best =
    workers.find(({ state }) => state === 'ready') ??
    workers.find(({ state }) => state === 'degraded') ??
    workers.find(({ state }) => state === 'not_ready');
  return best === undefined || best.state === 'silent' ? { state: 'not_ready', reason: 'no worker answers' } : best;
}
