import type { Readiness } from '../../health/index.ts';

/** The state of a worker: the readiness that it reported last, or `silent` after several missed heartbeats. */
export type WorkerState = Readiness | { state: 'silent' };

/** The readiness of a host: the best that any of its workers reports, since each of them takes requests. */
export function combinedReadiness(workers: readonly WorkerState[]): Readiness {
  const best =
    workers.find(({ state }) => state === 'ready') ??
    workers.find(({ state }) => state === 'degraded') ??
    workers.find(({ state }) => state === 'not_ready');
  return best === undefined || best.state === 'silent' ? { state: 'not_ready', reason: 'no worker answers' } : best;
}
