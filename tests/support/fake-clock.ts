import type { Clock } from '../../src/platform/clock.ts';

type Sleeper = { untilMs: number; wake: () => void };

/** Lets everything that can go on without time passing do so. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A clock that stands still until a test moves it. */
export type FakeClock = Clock & {
  /** Moves the time on; who sleeps until a moment on the way wakes at that moment, and goes on before time does. */
  advance(byMs: number): Promise<void>;
  /** How many sleep at the moment. */
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
      await settle();
      for (let sleeper = next(untilMs); sleeper; sleeper = next(untilMs)) {
        passedMs = Math.max(passedMs, sleeper.untilMs);
        sleeper.wake();
        await settle();
      }
      passedMs = untilMs;
      await settle();
    },
  };
}
