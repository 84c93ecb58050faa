import type { Clock } from '../platform/clock.ts';
import { ServiceError } from '../platform/errors.ts';
import { retryAfterRules } from '../platform/http/retry-after.ts';

/**
 * How long after the end of a run's time its caller waits for the store, in ms. Code that ignores its signal has ended
 * by then (see `withAbortGrace`): only the store is left.
 */
const overdueGraceMs = 2_000;

/**
 * Calls `overdue` once the time of a run, and a grace period for the store, are over; not if `work` has settled by then.
 *
 * @param deadlineMs when the time of the run is over, on the monotonic clock
 */
export function whenOverdue(clock: Clock, deadlineMs: number, work: Promise<unknown>, overdue: () => void): void {
  const settled = new AbortController();
  const settle = () => settled.abort('settled'); // without a reason an error with its stack is made
  work.then(settle, settle);
  clock.sleep(Math.max(0, deadlineMs + overdueGraceMs - clock.monotonicMs()), settled.signal).then(overdue, () => {});
}

/** The result of `work`. Rejects with `store_unavailable` once it is overdue, while `work` goes on; with the run's id if given. */
export function unlessOverdue<T>(clock: Clock, deadlineMs: number, work: Promise<T>, runId?: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const retryAfterMs = retryAfterRules.storeUnavailableMs;
    const extras = runId === undefined ? { retryAfterMs } : { runId, retryAfterMs };
    whenOverdue(clock, deadlineMs, work, () => reject(new ServiceError('store_unavailable', {}, extras)));
    work.then(resolve, reject);
  });
}
