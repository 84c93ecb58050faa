import type { Clock } from '../../../platform/clock.ts';
import type { Deployment } from '../deployments/deployment.ts';
import { type AdaptiveLimit, createAdaptiveLimit } from './adaptive-limit.ts';
import type { PrioritySemaphore } from './priority-semaphore.ts';

/** For whom a call is made, and until when it may wait. */
export type ModelCaller = { interactive: boolean; signal: AbortSignal };

type Governed = Pick<Deployment, 'id' | 'keyId' | 'concurrency'>;

/** Where the places of a key are counted. */
export type ProviderKeyLimits = {
  /** The gate of a key whose calls are limited to `limit` over all processes. */
  gateOf(keyId: string, limit: number): ProviderKeyLimit;
};

/** The gate of one key, in this process. */
export type ProviderKeyLimit = Pick<PrioritySemaphore, 'tryEnter' | 'enter' | 'leave'>;

/**
 * Bounds the calls that are under way: those of a key by what the configuration says, over all processes, and those of a
 * deployment by what the provider says. Where there is no bound this costs a look into a map.
 */
export function createConcurrencyLimiter(keys: ProviderKeyLimits, clock: Pick<Clock, 'monotonicMs'>) {
  const rates = new Map<string, AdaptiveLimit>();

  function rateOf({ id }: Governed): AdaptiveLimit {
    let found = rates.get(id);
    if (!found) {
      found = createAdaptiveLimit(clock.monotonicMs);
      rates.set(id, found);
    }
    return found;
  }

  const keyGateOf = ({ keyId, concurrency }: Governed): ProviderKeyLimit | null =>
    concurrency === null ? null : keys.gateOf(keyId, concurrency);

  async function pass(gate: ProviderKeyLimit, { interactive, signal }: ModelCaller): Promise<void> {
    if (!gate.tryEnter()) await gate.enter(interactive, signal);
  }

  return {
    /** Takes the places that a call needs if they are free, and returns how to give them back; else null. */
    tryEnter(deployment: Governed): (() => void) | null {
      const { gate } = rateOf(deployment);
      const key = keyGateOf(deployment);
      if (!gate.tryEnter()) return null;
      if (key === null) return gate.leave;
      if (key.tryEnter()) return leaveBoth(key, gate);
      gate.leave();
      return null;
    },

    /** As `tryEnter`, but waits for them. Rejects with the reason of the caller's signal if that aborts before. */
    async enter(deployment: Governed, caller: ModelCaller): Promise<() => void> {
      const { gate } = rateOf(deployment);
      const key = keyGateOf(deployment);
      await pass(gate, caller);
      if (key === null) return gate.leave;
      try {
        await pass(key, caller);
      } catch (error) {
        gate.leave();
        throw error;
      }
      return leaveBoth(key, gate);
    },

    /** The provider asks for fewer calls at a time. */
    slowDown: (deployment: Governed): void => rateOf(deployment).slowDown(),

    /** A call was answered, which had so many tokens of input. */
    answered: (deployment: Governed, inputTokens: number): void => rateOf(deployment).answered(inputTokens),
  };
}

const leaveBoth = (key: ProviderKeyLimit, gate: PrioritySemaphore) => () => {
  key.leave();
  gate.leave();
};

/** See `createConcurrencyLimiter`. */
export type ConcurrencyLimiter = ReturnType<typeof createConcurrencyLimiter>;
