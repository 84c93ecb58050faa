import type { Clock } from '../platform/clock.ts';
import { ServiceError } from '../platform/errors.ts';
import { retryAfterRules } from '../platform/http/retry-after.ts';
import { storeUnanswered } from '../platform/http/store-unanswered.ts';
import type { FinalRun, Run, Store } from '../storage/port/index.ts';
import type { ActiveRuns, AttemptEnd } from './active-runs.ts';
import type { EventFeed } from './events/event-feed.ts';
import { unlessOverdue } from './overdue.ts';
import type { Accepted } from './run-creation.ts';
import { stopped } from './run-failure.ts';

/** Dependencies of the run waiter. */
export type RunWaiterDeps = {
  store: Pick<Store, 'runs'>;
  feed: Pick<EventFeed, 'waitForEnd'>;
  active: Pick<ActiveRuns, 'get' | 'attend'>;
  /** Whether the process stops and refuses new runs. */
  isClosed(): boolean;
  clock: Clock;
};

/** The end of a run that was queued until its time was over: it never started. */
function timedOutInQueue({ usage }: Run, nowMs: number): FinalRun {
  const { status, error } = stopped('timed_out');
  return {
    status,
    error,
    usage,
    lastAgent: null,
    model: null,
    response: null,
    output: null,
    annotations: null,
    files: null,
    costUsd: null,
    firstTokenMs: null,
    drift: false,
    newItems: [],
    entries: { steps: [], events: [{ seq: 2, type: 'run.timed_out', attempt: 0, atMs: nowMs, data: {} }] },
  };
}

/** Waits for the end of runs on behalf of callers, whichever process executes the run. */
export function createRunWaiter({ store, feed, active, isClosed, clock }: RunWaiterDeps) {
  const stopping = new AbortController();
  let waiting = 0;

  const continuesElsewhere = ({ id }: Run) =>
    new ServiceError('shutting_down', {}, { runId: id, retryAfterMs: retryAfterRules.shuttingDownMs });

  return {
    /** How many callers wait for runs that this process does not execute. */
    waiting: (): number => waiting,

    /**
     * Waits for the end of an accepted run, whichever process executes it, and wherever it continues if this process
     * hands it back. A run that is still queued at its deadline ends as `timed_out`.
     *
     * @throws {ServiceError} with the run's id: `shutting_down` when this process ends before the run does,
     *   `store_unavailable` when the store cannot be asked, or has not recorded the end soon after the run's time was over
     */
    async waitForEnd({ run, deadlineMs }: Accepted): Promise<Extract<AttemptEnd, { type: 'ended' }>> {
      const executedHere = active.get(run.id);
      if (executedHere) {
        const end = await unlessOverdue(clock, deadlineMs, executedHere.ended, run.id);
        if (end.type === 'ended') return end;
        if (isClosed()) throw continuesElsewhere(run);
      }
      const settled = new AbortController();
      clock
        .sleep(Math.max(0, deadlineMs - clock.monotonicMs()), settled.signal)
        .then(() => store.runs.finish({ ...run, attempt: 0 }, timedOutInQueue(run, clock.nowMs())))
        .catch(() => {}); // the run ended before its deadline
      waiting += 1;
      try {
        const until = AbortSignal.any([stopping.signal, settled.signal]);
        const end = active.attend(() => feed.waitForEnd(run, until));
        return { type: 'ended', run: await unlessOverdue(clock, deadlineMs, end, run.id) };
      } catch (cause) {
        if (stopping.signal.aborted) throw continuesElsewhere(run);
        if (!(cause instanceof ServiceError)) throw cause;
        throw storeUnanswered({ runId: run.id, cause });
      } finally {
        waiting -= 1;
        settled.abort('settled'); // without a reason an error with its stack is made
      }
    },

    /** Rejects all waits: the process stops, and the runs continue in other processes. */
    stopWaiting: (): void => stopping.abort(),
  };
}
