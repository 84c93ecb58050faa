import type { Clock } from '../platform/clock.ts';
import { storeUnanswered } from '../platform/http/store-unanswered.ts';
import { unlessLate, whenLate } from '../platform/time-limit.ts';
import type { Run } from '../storage/port/index.ts';

/**
 * How long after the end of a run's time its caller waits for the store, in ms. Code that ignores its signal has ended
 * by then (see `withAbortGrace`): only the store is left.
 */
const overdueGraceMs = 2_000;

/** How long a caller of a run still waits for the store, in ms. `deadlineMs`: when the run's time is over, on the monotonic clock. */
const patienceMs = (clock: Clock, deadlineMs: number): number => deadlineMs + overdueGraceMs - clock.monotonicMs();

/**
 * Calls `overdue` once the time of a run, and a grace period for the store, are over; not if `work` has settled by then.
 *
 * @param deadlineMs when the time of the run is over, on the monotonic clock
 */
export const whenOverdue = (clock: Clock, deadlineMs: number, work: Promise<unknown>, overdue: () => void): void =>
  whenLate(clock, patienceMs(clock, deadlineMs), work, overdue);

/** The result of `work`. Rejects with `store_unavailable` once it is overdue, while `work` goes on; with the run's id if given. */
export const unlessOverdue = <T>(clock: Clock, deadlineMs: number, work: Promise<T>, runId?: string): Promise<T> =>
  unlessLate(clock, patienceMs(clock, deadlineMs), work, () => storeUnanswered(runId === undefined ? {} : { runId }));

/**
 * What the store answers about a run that somebody follows. Rejects with `store_unavailable` when it is overdue by the
 * time of the run, which is known by the clock only; after that time each answer has the grace period.
 */
export function unlessRunIsOverdue<T>(
  clock: Clock,
  { id, createdAtMs, timeoutMs }: Pick<Run, 'id' | 'createdAtMs' | 'timeoutMs'>,
  work: Promise<T>,
): Promise<T> {
  const remainingMs = Math.max(0, createdAtMs + timeoutMs - clock.nowMs());
  return unlessLate(clock, remainingMs + overdueGraceMs, work, () => storeUnanswered({ runId: id }));
}
