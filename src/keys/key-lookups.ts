import type { Clock } from '../platform/clock.ts';
import type { FoundKey, KeyStore } from '../storage/port/index.ts';

/** Keys that one statement looks up at most. */
const batchMax = 500;

/** The result of the look-up of a key. */
export type CachedKey = {
  /** Null if there is no key of that id. */
  found: FoundKey | null;
  /** When the look-up began, on the monotonic clock. */
  readAtMs: number;
};

/** Dependencies of the look-ups. */
export type KeyLookupsDeps = {
  store: Pick<KeyStore, 'find'>;
  clock: Pick<Clock, 'monotonicMs'>;
  /** Called with each result, before its callers get it. */
  remember(keyId: string, result: CachedKey): void;
};

/**
 * Looks up keys in the store in batches. One statement is under way at a time; look-ups that are requested meanwhile share
 * the next one. So the number of requests from outside does not increase the load of the store.
 */
export function createKeyLookups({ store, clock, remember }: KeyLookupsDeps) {
  const queued = new Map<string, PromiseWithResolvers<CachedKey>>();
  let running = false;

  async function runBatches(): Promise<void> {
    while (queued.size > 0) {
      const batch = [...queued].slice(0, batchMax);
      for (const [keyId] of batch) queued.delete(keyId);
      const readAtMs = clock.monotonicMs();
      try {
        const found = new Map((await store.find(batch.map(([keyId]) => keyId))).map((each) => [each.key.id, each]));
        for (const [keyId, { resolve }] of batch) {
          const result = { found: found.get(keyId) ?? null, readAtMs };
          remember(keyId, result);
          resolve(result);
        }
      } catch (error) {
        for (const [, { reject }] of batch) reject(error);
      }
    }
    running = false;
  }

  return {
    /** Looks up a key in the store; a look-up of the same key that is still queued is shared. */
    lookUp(keyId: string): Promise<CachedKey> {
      const pending = queued.get(keyId) ?? Promise.withResolvers<CachedKey>();
      queued.set(keyId, pending);
      if (!running) {
        running = true;
        void runBatches();
      }
      return pending.promise;
    },
  };
}
