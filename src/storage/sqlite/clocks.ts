import type { Clock } from '../../platform/clock.ts';

/** The database's clocks; both in whole ms. */
export type Time = {
  /** The time of day, which jumps when the machine's clock is set. */
  nowMs(): number;
  /**
   * The time of day at which the store was created, plus the time that has passed since on the monotonic clock. It never
   * jumps, so that no process loses its lease and no run its time because a clock was set. Processes need not agree on
   * it: one process executes runs on the embedded store, and it ends all other leases when it starts.
   */
  steadyMs(): number;
};

/** The clocks of a store that is created now. */
export function createTime(clock: Pick<Clock, 'nowMs' | 'monotonicMs'>): Time {
  const offsetMs = clock.nowMs() - clock.monotonicMs();
  return {
    nowMs: () => Math.floor(clock.nowMs()),
    steadyMs: () => Math.floor(offsetMs + clock.monotonicMs()),
  };
}
