import type { BudgetControl } from '../budgets/index.ts';
import type { Clock } from '../platform/clock.ts';
import type { Ids } from '../platform/ids.ts';
import type { ClaimedRun, Run, Store, Webhook } from '../storage/port/index.ts';
import type { ActiveRuns, ExecuteAttempt } from './active-runs.ts';
import type { Admission } from './admission/admission.ts';
import type { Slots } from './admission/slots.ts';
import { createAttemptStarter } from './attempt-starter.ts';
import type { EventFeed } from './events/event-feed.ts';
import type { HitFailpoint } from './failpoints.ts';
import type { InputRules } from './input/input-rules.ts';
import type { Lease } from './recovery/process-lease.ts';
import { createRunControl } from './run-control.ts';
import { createRunCreation, shuttingDown } from './run-creation.ts';
import type { RequestRules } from './run-request.ts';
import { isFinal } from './run-state.ts';
import { createRunWaiter } from './run-waiter.ts';

/** Dependencies of the run service. */
export type RunServiceDeps = RequestRules & {
  store: Store;
  executeAttempt: ExecuteAttempt;
  feed: EventFeed;
  active: ActiveRuns;
  slots: Slots;
  admission: Admission;
  hitFailpoint: HitFailpoint;
  clock: Clock;
  ids: Ids;
  settings: { runTimeoutMs: number; backgroundTimeoutMs: number; simulated: boolean };
  lease: Pick<Lease, 'processId' | 'isHeld'>;
  versions: { app: string; sdk: string };
  /** Returns the webhook of a run in the form that is stored; throws if the service does not accept it. */
  acceptWebhook(webhook: Webhook): Webhook;
  budgets: Pick<BudgetControl, 'check'>;
  inputRules: InputRules;
};

/** Creates runs, waits for their end, reads them and decides about them. */
export function createRunService(deps: RunServiceDeps) {
  const { admission, clock } = deps;
  let closed = false;
  const isClosed = () => closed;
  const startAttempt = createAttemptStarter(deps);
  const { waiting, waitForEnd, stopWaiting } = createRunWaiter({ ...deps, isClosed });

  return {
    create: createRunCreation({ ...deps, startAttempt, waiting, isClosed }),
    waitForEnd,
    ...createRunControl(deps),

    /** Executes a run that this process has claimed. The caller holds a slot for it. */
    resume({ run, remainingMs }: ClaimedRun): void {
      startAttempt(run, clock.monotonicMs() + remainingMs, [], Promise.resolve());
    },

    /** Whether a run has ended for good. */
    isFinal: (run: Run): boolean => isFinal(run.status),

    /** Refuses new runs from now on, also those that wait for a slot: nothing of them is stored. */
    close(): void {
      closed = true;
      admission.rejectAll(shuttingDown);
    },

    stopWaiting,
  };
}

/** Creates runs, waits for their end, reads them and decides about them. */
export type RunService = ReturnType<typeof createRunService>;
