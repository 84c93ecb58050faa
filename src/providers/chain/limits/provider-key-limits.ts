import type { Clock } from '../../../platform/clock.ts';
import type { Service } from '../../../platform/lifecycle.ts';
import type { Logger } from '../../../platform/logger.ts';
import type { ProviderStore } from '../../../storage/port/index.ts';
import type { ProviderKeyLimit, ProviderKeyLimits } from './concurrency-limiter.ts';
import { createPrioritySemaphore } from './priority-semaphore.ts';
import { createSharedKeyLimit } from './shared-key-limit.ts';

/** Dependencies of the limits of keys. */
export type ProviderKeyLimitsDeps = {
  /** Requests a share of the permits of a key; null where there is only this process. */
  share: ProviderStore['share'];
  leave: ProviderStore['leaveShares'];
  /** The id under which this process holds its shares. */
  processId: string;
  clock: Clock;
  log: Pick<Logger, 'warn'>;
};

/**
 * The concurrency limits of keys over all processes. Each process holds a share of the permits of a key, uses it without
 * asking the store, and gets more when its calls wait and other processes do not need them. Keys that are not in use
 * cause no requests to the store.
 */
export function createProviderKeyLimits(deps: ProviderKeyLimitsDeps): ProviderKeyLimits & Service {
  const { share, leave, processId, clock, log } = deps;
  const stopping = new AbortController();
  const limits = new Map<string, ProviderKeyLimit>();
  const renewals: Promise<void>[] = [];

  function createKeyLimit(keyId: string, limit: number): ProviderKeyLimit {
    if (!share) return createPrioritySemaphore(limit);
    const shared = { share, processId, clock, log, stopping: stopping.signal };
    const { keyLimit, stopped } = createSharedKeyLimit(shared, keyId, limit);
    renewals.push(stopped);
    return keyLimit;
  }

  return {
    name: 'provider governor',

    limitFor(keyId: string, limit: number): ProviderKeyLimit {
      let found = limits.get(keyId);
      if (!found) {
        found = createKeyLimit(keyId, limit);
        limits.set(keyId, found);
      }
      return found;
    },

    async start() {},

    async stop() {
      stopping.abort('it stops');
      await Promise.all(renewals);
      if (share && renewals.length > 0) {
        await leave(processId).catch((error: unknown) =>
          log.warn({ err: error }, 'the shares of calls to model providers were not given back'),
        );
      }
    },
  };
}
