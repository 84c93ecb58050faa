import type { Clock } from '../platform/clock.ts';
import { ServiceError } from '../platform/errors.ts';
import type { Run, Store } from '../storage/port/index.ts';
import type { ActiveRuns } from './active-runs.ts';
import { applyDecisions, type Decision } from './approvals/decisions.ts';
import type { HitFailpoint } from './failpoints.ts';
import { stopped } from './run-failure.ts';
import { createRunReader, runNotFound } from './run-reader.ts';

/** Dependencies of the control of runs. */
export type RunControlDeps = {
  store: Pick<Store, 'runs' | 'journal' | 'sessions'>;
  active: Pick<ActiveRuns, 'get'>;
  hitFailpoint: HitFailpoint;
  clock: Clock;
};

/** Reads runs that exist, cancels them and decides about them. */
export function createRunControl({ store, active, hitFailpoint, clock }: RunControlDeps) {
  const reader = createRunReader(store);

  return {
    ...reader,

    /**
     * Requests the cancellation of a run, whichever process executes it. A repeated request changes nothing.
     *
     * @throws {ServiceError} `not_found`
     */
    async cancel(tenantId: string, runId: string): Promise<Run> {
      const run = await store.runs.requestCancel(tenantId, runId, stopped('cancelled').error);
      if (!run) throw runNotFound(runId);
      active.get(runId)?.stop('cancelled');
      return run;
    },

    /**
     * Records decisions, and queues the run again once nothing is left to decide.
     *
     * @param by the id of the key that decides
     * @throws {ServiceError} `not_found`, `not_waiting`, `validation_failed`
     */
    async decide(tenantId: string, runId: string, decisions: readonly Decision[], by: string): Promise<Run> {
      const run = await reader.get(tenantId, runId);
      const steps = await store.journal.steps(tenantId, runId);
      const applied = applyDecisions(run, steps, decisions, by, clock.nowMs());
      hitFailpoint('decision.beforeWrite');
      const decided = await store.runs.decide(tenantId, runId, applied);
      hitFailpoint('decision.afterWrite');
      if (!decided) throw new ServiceError('not_waiting', { runId }, { runId });
      return decided;
    },
  };
}
