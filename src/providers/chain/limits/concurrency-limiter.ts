import type { Clock } from '../../../platform/clock.ts';
import type { Deployment } from '../deployments/deployment.ts';
import { type AdaptiveLimit, createAdaptiveLimit } from './adaptive-limit.ts';
import type { PrioritySemaphore } from './priority-semaphore.ts';

/** How a call waits for its permits: its priority, and the signal that ends the wait. */
export type WaitOptions = { interactive: boolean; signal: AbortSignal };

type LimitedDeployment = Pick<Deployment, 'id' | 'keyId' | 'concurrency'>;

/** The concurrency limits of keys. */
export type ProviderKeyLimits = {
  /** The limit of a key whose calls are limited to `limit` over all processes. */
  limitFor(keyId: string, limit: number): ProviderKeyLimit;
};

/** The concurrency limit of one key, in this process. */
export type ProviderKeyLimit = Pick<PrioritySemaphore, 'tryAcquire' | 'acquire' | 'release'>;

const releaseBoth = (keyLimit: ProviderKeyLimit, semaphore: PrioritySemaphore) => () => {
  keyLimit.release();
  semaphore.release();
};

async function acquire(limit: ProviderKeyLimit, { interactive, signal }: WaitOptions): Promise<void> {
  if (!limit.tryAcquire()) await limit.acquire(interactive, signal);
}

/**
 * Bounds the calls that are under way: those of a key by the configured concurrency, over all processes, and those of a
 * deployment by what the provider asks for. Where nothing is limited, the cost is one look-up in a map.
 */
export function createConcurrencyLimiter(keys: ProviderKeyLimits, clock: Pick<Clock, 'monotonicMs'>) {
  const adaptiveLimits = new Map<string, AdaptiveLimit>();

  function adaptiveLimitOf({ id }: LimitedDeployment): AdaptiveLimit {
    let found = adaptiveLimits.get(id);
    if (!found) {
      found = createAdaptiveLimit(clock.monotonicMs);
      adaptiveLimits.set(id, found);
    }
    return found;
  }

  const keyLimitOf = ({ keyId, concurrency }: LimitedDeployment): ProviderKeyLimit | null =>
    concurrency === null ? null : keys.limitFor(keyId, concurrency);

  return {
    /** Takes the permits that a call needs, if they are free, and returns how to release them; else null. */
    tryAcquire(deployment: LimitedDeployment): (() => void) | null {
      const { semaphore } = adaptiveLimitOf(deployment);
      const keyLimit = keyLimitOf(deployment);
      if (!semaphore.tryAcquire()) return null;
      if (keyLimit === null) return semaphore.release;
      if (keyLimit.tryAcquire()) return releaseBoth(keyLimit, semaphore);
      semaphore.release();
      return null;
    },

    /** As `tryAcquire`, but waits for the permits. Rejects with the reason of the signal if that aborts before. */
    async acquire(deployment: LimitedDeployment, wait: WaitOptions): Promise<() => void> {
      const { semaphore } = adaptiveLimitOf(deployment);
      const keyLimit = keyLimitOf(deployment);
      await acquire(semaphore, wait);
      if (keyLimit === null) return semaphore.release;
      try {
        await acquire(keyLimit, wait);
      } catch (error) {
        semaphore.release();
        throw error;
      }
      return releaseBoth(keyLimit, semaphore);
    },

    /** The provider asks for fewer calls at a time. */
    slowDown: (deployment: LimitedDeployment): void => adaptiveLimitOf(deployment).slowDown(),

    /** A call with this many input tokens was answered. */
    answered: (deployment: LimitedDeployment, inputTokens: number): void =>
      adaptiveLimitOf(deployment).answered(inputTokens),
  };
}

/** See `createConcurrencyLimiter`. */
export type ConcurrencyLimiter = ReturnType<typeof createConcurrencyLimiter>;
