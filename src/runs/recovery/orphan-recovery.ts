import type { Logger } from '../../platform/logger.ts';
import type { Store } from '../../storage/port/index.ts';
import type { RunMetrics } from '../metrics.ts';

/** Orphans that are recovered in one statement. */
const orphansMax = 100;
/** How long dead processes are kept in the store, in ms: a day, for the analysis of failures. */
const forgetAfterMs = 24 * 3_600_000;

const poison = {
  code: 'poisoned',
  detail: 'Three processes died while they executed this run, without a new step between.',
  retryable: false,
};

/** Dependencies of the recovery of orphans. */
export type OrphanRecoveryDeps = {
  store: Pick<Store, 'runs' | 'processes'>;
  metrics: Pick<RunMetrics, 'recovered'>;
  log: Logger;
};

/**
 * Returns how to recover the orphans once: the runs of processes whose lease has expired are queued again, and those
 * that kill processes are ended.
 */
export function createOrphanRecovery({ store, metrics, log }: OrphanRecoveryDeps): () => Promise<void> {
  return async () => {
    const { requeued, poisoned } = await store.runs.recoverOrphans(poison, orphansMax);
    metrics.recovered(requeued.length, poisoned.length);
    for (const { id: runId, crashes } of requeued) {
      log.warn({ runId, crashes }, 'the run of a dead process is queued again');
    }
    for (const { id: runId, crashes } of poisoned) {
      log.error({ runId, crashes }, 'a run that kills processes was ended');
    }
    await store.processes.forgetDead(forgetAfterMs);
  };
}
