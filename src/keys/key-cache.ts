import { setBounded } from '../platform/bounded-map.ts';
import type { Clock } from '../platform/clock.ts';
import type { KeyStore } from '../storage/port/index.ts';
import { type CachedKey, createKeyLookups } from './key-lookups.ts';

/** Dependencies of the cache. */
export type KeyCacheDeps = {
  store: Pick<KeyStore, 'find'>;
  clock: Clock;
  /** Keys in the cache at most, and as many ids again for which there is no key. Defaults to 10,000. */
  entriesMax?: number;
};

/** The age of an entry, in ms, from which it is refreshed in the background while it is still used. */
const refreshMs = 1_000;
/** The age of an entry, in ms, from which it is not used any more; until then a revoked key may still be accepted. */
const staleMs = 3_000;

/**
 * Caches API keys in the memory of this process for at most 3 s, so that a request with a key in use does not wait for the
 * store. Ids for which there is no key are cached in a map of their own, so that they never evict a key.
 */
export function createKeyCache({ store, clock, entriesMax = 10_000 }: KeyCacheDeps) {
  const known = new Map<string, CachedKey>();
  const unknown = new Map<string, CachedKey>();

  const { lookUp } = createKeyLookups({
    store,
    clock,
    remember(keyId, result) {
      const [target, other] = result.found ? [known, unknown] : [unknown, known];
      other.delete(keyId);
      setBounded(target, keyId, result, entriesMax);
    },
  });

  return {
    /** The key as it was at most 3 s ago. Rejects with the error of the store if a look-up is necessary and fails. */
    async get(keyId: string): Promise<CachedKey> {
      const cached = known.get(keyId) ?? unknown.get(keyId);
      const ageMs = clock.monotonicMs() - (cached?.readAtMs ?? Number.NEGATIVE_INFINITY);
      if (cached === undefined || ageMs >= staleMs) return lookUp(keyId);
      if (ageMs >= refreshMs) lookUp(keyId).catch(() => {}); // the first caller with a stale entry gets the error
      return cached;
    },

    /** The key as the store has it now. */
    lookUp,

    /** Whether the key exists, is not revoked and has not expired. */
    isValid: ({ found, readAtMs }: CachedKey): boolean =>
      found !== null && (found.endsInMs === null || clock.monotonicMs() < readAtMs + found.endsInMs),

    /** The numbers of cached keys, and of cached ids for which there is no key. */
    sizes: () => ({ known: known.size, unknown: unknown.size }),
  };
}

/** See `createKeyCache`. */
export type KeyCache = ReturnType<typeof createKeyCache>;
