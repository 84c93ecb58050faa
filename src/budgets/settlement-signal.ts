import type { Clock } from '../platform/clock.ts';

/** Whoever waits for room looks again after so long at the latest, in ms: other processes settle too. */
const lookMsMin = 100;
const lookMsMax = 400;

/** Tells those who wait for room in a budget that some may be there. */
export function createSettlementSignal(clock: Clock, random: () => number) {
  let next = Promise.withResolvers<void>();
  return {
    /** Something was settled. */
    tell(): void {
      next.resolve();
      next = Promise.withResolvers<void>();
    },

    /** Resolves when something was settled here, or after a moment; rejects as soon as `signal` aborts. */
    async wait(signal: AbortSignal): Promise<void> {
      const told = new AbortController();
      const slept = clock.sleep(lookMsMin + random() * (lookMsMax - lookMsMin), AbortSignal.any([signal, told.signal]));
      try {
        await Promise.race([slept, next.promise]);
      } finally {
        told.abort('told');
        slept.catch(() => {}); // it was not waited for to the end
      }
    },
  };
}

/** Tells those who wait for room in a budget. */
export type Changes = ReturnType<typeof createSettlementSignal>;
