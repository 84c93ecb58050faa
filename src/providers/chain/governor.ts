import type { Clock } from '../../platform/clock.ts';
import type { Deployment } from './deployment.ts';
import type { Gate } from './gate.ts';
import { createSendRate, type SendRate } from './send-rate.ts';

/** For whom a call is made, and until when it may wait. */
export type CallerOfModel = { interactive: boolean; signal: AbortSignal };

type Governed = Pick<Deployment, 'id' | 'keyId' | 'concurrency'>;

/** Where the places of a key are counted. */
export type KeyGates = {
  /** The gate of a key whose calls are limited to `limit` over all processes. */
  gateOf(keyId: string, limit: number): KeyGate;
};

/** The gate of one key, in this process. */
export type KeyGate = Pick<Gate, 'tryEnter' | 'enter' | 'leave'>;

/**
 * Bounds the calls that are under way: those of a key by what the configuration says, over all processes, and those of a
 * deployment by what the provider says. Where there is no bound this costs a look into a map.
 */
export function createGovernor(keys: KeyGates, clock: Pick<Clock, 'monotonicMs'>) {
  const rates = new Map<string, SendRate>();

  function rateOf({ id }: Governed): SendRate {
    let found = rates.get(id);
    if (!found) {
      found = createSendRate(clock.monotonicMs);
      rates.set(id, found);
    }
    return found;
  }

  const keyGateOf = ({ keyId, concurrency }: Governed): KeyGate | null =>
    concurrency === null ? null : keys.gateOf(keyId, concurrency);

  async function pass(gate: KeyGate, { interactive, signal }: CallerOfModel): Promise<void> {
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
    async enter(deployment: Governed, caller: CallerOfModel): Promise<() => void> {
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

const leaveBoth = (key: KeyGate, gate: Gate) => () => {
  key.leave();
  gate.leave();
};

/** See `createGovernor`. */
export type Governor = ReturnType<typeof createGovernor>;
