import type { Clock } from '../platform/clock.ts';

/** A waiting call checks the budget again after this time at the latest, in ms: other processes settle calls too. */
const pollMsMin = 100;
const pollMsMax = 400;

/** Wakes the model calls that wait for budget when a reservation is settled. */
export function createSettlementSignal(clock: Clock, random: () => number) {
  let next = Promise.withResolvers<void>();
  return {
    /** Wakes all waiting calls: a reservation was settled. */
    notify(): void {
      next.resolve();
      next = Promise.withResolvers<void>();
    },

    /**
     * Resolves when this process settles a reservation, or after 100 to 400 ms. Rejects as soon as `signal` aborts.
     */
    async wait(signal: AbortSignal): Promise<void> {
      const woken = new AbortController();
      const slept = clock.sleep(
        pollMsMin + random() * (pollMsMax - pollMsMin),
        AbortSignal.any([signal, woken.signal]),
      );
      try {
        await Promise.race([slept, next.promise]);
      } finally {
        woken.abort('woken');
        slept.catch(() => {}); // a settlement ends the sleep early
      }
    },
  };
}

/** See `createSettlementSignal`. */
export type SettlementSignal = ReturnType<typeof createSettlementSignal>;
