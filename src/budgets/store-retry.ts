import type { Clock } from '../platform/clock.ts';
import { isStoreUnavailable } from '../platform/errors.ts';

/** The pause between two attempts while the store is unavailable, in ms; jitter adds up to as much again. */
const retryMs = 250;

/** Dependencies of the retries. */
export type StoreRetryDeps = {
  clock: Pick<Clock, 'sleep'>;
  /** Gives [0, 1). */
  random: () => number;
};

/** See `createStoreRetry`. */
export type RetryUntilAvailable = <Result>(work: () => Promise<Result>, signal: AbortSignal) => Promise<Result>;

/**
 * Retries an operation of the store for as long as the store is unavailable. The promise rejects with any other error of
 * the operation, and with the reason of `signal` if it aborts between two attempts.
 */
export function createStoreRetry({ clock, random }: StoreRetryDeps): RetryUntilAvailable {
  return async (work, signal) => {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!isStoreUnavailable(error)) throw error;
        await clock.sleep(retryMs * (1 + random()), signal);
      }
    }
  };
}
