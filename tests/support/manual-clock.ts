import type { Clock } from '../../src/platform/clock.ts';

/** A clock that stands still until a test moves it. */
export type ManualClock = Clock & {
  /** Moves both of its times on; who slept for as long wakes up. */
  advance(byMs: number): void;
};

/** A clock at 0. */
export function createManualClock(): ManualClock {
  let nowMs = 0;
  let sleepers: { atMs: number; wake: () => void }[] = [];
  return {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    sleep: (delayMs, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        if (delayMs <= 0) return resolve();
        sleepers.push({ atMs: nowMs + delayMs, wake: resolve });
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
      }),
    advance(byMs) {
      nowMs += byMs;
      const due = sleepers.filter(({ atMs }) => atMs <= nowMs);
      sleepers = sleepers.filter(({ atMs }) => atMs > nowMs);
      for (const { wake } of due) wake();
    },
  };
}
