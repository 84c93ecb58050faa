import type { Clock } from '../../src/platform/clock.ts';

type Sleeper = { untilMs: number; wake: () => void };

/** Runs what is due without any time passing. */
const nextTick = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A clock whose times stand still until a test moves them. */
export type FakeClock = Clock & {
  /**
   * Moves both of its times on. A sleep that ends on the way ends at its own time, and what follows it runs before the time
   * moves further.
   */
  advance(byMs: number): Promise<void>;
  /** How many sleeps have not ended. */
  sleeping(): number;
};

/** Makes a clock whose time passes only by `advance`. */
export function createFakeClock(startMs = 1_790_000_000_000): FakeClock {
  let passedMs = 0;
  const sleepers = new Set<Sleeper>();

  const next = (untilMs: number): Sleeper | undefined =>
    [...sleepers].filter((each) => each.untilMs <= untilMs).sort((a, b) => a.untilMs - b.untilMs)[0];

  return {
    nowMs: () => startMs + passedMs,
    monotonicMs: () => passedMs,
    sleeping: () => sleepers.size,

    sleep(delayMs, signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const leave = () => {
          sleepers.delete(sleeper);
          signal?.removeEventListener('abort', onAbort);
        };
        const onAbort = () => {
          leave();
          reject(signal?.reason);
        };
        const wake = () => {
          leave();
          resolve();
        };
        const sleeper = { untilMs: passedMs + delayMs, wake };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', onAbort, { once: true });
      });
    },

    async advance(byMs) {
      const untilMs = passedMs + byMs;
      await nextTick();
      for (let sleeper = next(untilMs); sleeper; sleeper = next(untilMs)) {
        passedMs = Math.max(passedMs, sleeper.untilMs);
        sleeper.wake();
        await nextTick();
      }
      passedMs = untilMs;
      await nextTick();
    },
  };
}
