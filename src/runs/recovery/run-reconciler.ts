import type { Logger } from '../../platform/logger.ts';
import type { OwnedRun, Store } from '../../storage/port/index.ts';
import type { ActiveRuns } from '../active-runs.ts';

/** Dependencies of the run reconciler. */
export type RunReconcilerDeps = { store: Pick<Store, 'runs'>; active: ActiveRuns; log: Pick<Logger, 'warn'> };

const noEntries = { steps: [], events: [] };

/**
 * Compares the runs that this process owns in the store with those that it executes; returns how to do so once.
 *
 * - A run whose cancellation was requested is stopped.
 * - A run that this process does not execute is handed back to the queue: the answer to a create or a claim was lost, or
 *   its end could not be stored. That is certain when the run was found twice at the same attempt, and all work that
 *   might have added it by the first time has ended. If the run has ended meanwhile, the store does not take it back.
 */
export function createRunReconciler({ store, active, log }: RunReconcilerDeps): (processId: string) => Promise<void> {
  /** Runs, with their attempt, that were not executed here at the last check, and the mark of when they first were not. */
  let unexecuted = new Map<string, number>();

  async function handBack({ tenantId, id, attempt }: OwnedRun): Promise<void> {
    if (!(await store.runs.handBack(tenantId, id, attempt, noEntries))) return;
    log.warn({ runId: id, attempt }, 'a run of this process that nobody executed was handed back');
  }

  return async (processId) => {
    const owned = await store.runs.owned(processId);
    const before = unexecuted;
    unexecuted = new Map();
    const lost: OwnedRun[] = [];
    for (const run of owned) {
      const executed = active.get(run.id);
      if (executed?.run.attempt === run.attempt) {
        if (run.cancelRequested) executed.stop('cancelled');
        continue;
      }
      const key = `${run.id} ${run.attempt}`;
      const mark = before.get(key);
      if (mark !== undefined && active.isPast(mark)) lost.push(run);
      unexecuted.set(key, mark ?? active.mark());
    }
    for (const run of lost) await handBack(run);
  };
}
