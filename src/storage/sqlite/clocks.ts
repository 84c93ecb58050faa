import type { Clock } from '../../platform/clock.ts';

/** The database's clocks; both in whole ms. */
export type Time = {
  /** The time of day, which jumps when somebody sets the machine's clock. */
  nowMs(): number;
  /**
   * The time of day at which the store was made, plus what has gone by since. It never jumps, so that no process loses
   * its lease and no run its time because a clock was set. One process executes runs on the embedded store and takes
   * all others for dead when it starts, so it need not agree with anybody on this time.
   */
  steadyMs(): number;
};

/** The clocks of a store that is made now. */
export function createTime(clock: Pick<Clock, 'nowMs' | 'monotonicMs'>): Time {
  const offsetMs = clock.nowMs() - clock.monotonicMs();
  return {
    nowMs: () => Math.floor(clock.nowMs()),
    steadyMs: () => Math.floor(offsetMs + clock.monotonicMs()),
  };
}
