import type { Logger } from '../../platform/logger.ts';
import type { OwnedRun, Store } from '../../storage/port/index.ts';
import type { ActiveRuns } from '../active-runs.ts';

/** What looking after one's runs stands on. */
export type RunReconcilerDeps = { store: Pick<Store, 'runs'>; active: ActiveRuns; log: Pick<Logger, 'warn'> };

const nothing = { steps: [], events: [] };

/**
 * Compares the runs that are this process's in the store with those that it executes, and returns how to do so once.
 *
 * - Whose end somebody asked for is stopped.
 * - A run that is in nobody's hands goes back into the line: the answer to a create or a claim was lost on the way, or
 *   its end could not be stored. It is one that was found at the same attempt twice, while all work that might have
 *   brought it in by the first time is over. Should it have ended meanwhile, the store refuses to take it back.
 */
export function createRunReconciler({ store, active, log }: RunReconcilerDeps): (processId: string) => Promise<void> {
  let suspects = new Map<string, number>();

  async function handBack({ tenantId, id, attempt }: OwnedRun): Promise<void> {
    if (!(await store.runs.handBack(tenantId, id, attempt, nothing))) return;
    log.warn({ runId: id, attempt }, 'a run of this process that nobody executed was handed back');
  }

  return async (processId) => {
    const owned = await store.runs.owned(processId);
    const before = suspects;
    suspects = new Map();
    const strays: OwnedRun[] = [];
    for (const run of owned) {
      const here = active.get(run.id);
      if (here?.run.attempt === run.attempt) {
        if (run.cancelRequested) here.stop('cancelled');
        continue;
      }
      const name = `${run.id} ${run.attempt}`;
      const mark = before.get(name);
      if (mark !== undefined && active.isPast(mark)) strays.push(run);
      suspects.set(name, mark ?? active.mark());
    }
    for (const run of strays) await handBack(run);
  };
}
