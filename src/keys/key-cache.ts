import { setBounded } from '../platform/bounded-map.ts';
import type { Clock } from '../platform/clock.ts';
import type { FoundKey, KeyStore } from '../storage/port/index.ts';

/** What the cache stands on. */
export type KeyCacheDeps = {
  store: Pick<KeyStore, 'find'>;
  clock: Clock;
  /** Keys that are remembered at most; as many again that there are not. Defaults to 10,000. */
  entriesMax?: number;
};

/** A key as the cache knows it. */
export type CachedKey = {
  /** Null where there is no key of that id. */
  found: FoundKey | null;
  /** When it was asked for, on the monotonic clock. */
  askedMs: number;
};

/** From this age on an answer is asked for again while it is still used. */
const refreshMs = 1_000;
/** No answer is used that is older: so long may a revoked key be let in. */
const staleMs = 3_000;
/** Keys in one statement. */
const batchMax = 500;

/**
 * API keys in this process's memory, for at most 3 s, so that no request of a key in use waits for the store. Look-ups
 * share statements, one of which is under way at a time: whatever comes in from outside, the store has no more to do.
 * Keys that there are not are remembered apart, and never push out one that there is.
 */
export function createKeyCache({ store, clock, entriesMax = 10_000 }: KeyCacheDeps) {
  const known = new Map<string, CachedKey>();
  const unknown = new Map<string, CachedKey>();
  const asked = new Map<string, PromiseWithResolvers<CachedKey>>();
  let asking = false;

  function keep(keyId: string, cached: CachedKey): CachedKey {
    const [here, there] = cached.found ? [known, unknown] : [unknown, known];
    there.delete(keyId);
    setBounded(here, keyId, cached, entriesMax);
    return cached;
  }

  async function askAll(): Promise<void> {
    while (asked.size > 0) {
      const batch = [...asked].slice(0, batchMax);
      for (const [keyId] of batch) asked.delete(keyId);
      const askedMs = clock.monotonicMs();
      try {
        const found = new Map((await store.find(batch.map(([keyId]) => keyId))).map((each) => [each.key.id, each]));
        for (const [keyId, { resolve }] of batch) {
          resolve(keep(keyId, { found: found.get(keyId) ?? null, askedMs }));
        }
      } catch (error) {
        for (const [, { reject }] of batch) reject(error);
      }
    }
    asking = false;
  }

  /** What the store says now, or when it answers those who ask already. */
  function ask(keyId: string): Promise<CachedKey> {
    const waiting = asked.get(keyId) ?? Promise.withResolvers<CachedKey>();
    asked.set(keyId, waiting);
    if (!asking) {
      asking = true;
      void askAll();
    }
    return waiting.promise;
  }

  return {
    /** The key as it was at most 3 s ago. Rejects with the store's error if it has to be asked and cannot be. */
    async get(keyId: string): Promise<CachedKey> {
      const cached = known.get(keyId) ?? unknown.get(keyId);
      const ageMs = clock.monotonicMs() - (cached?.askedMs ?? Number.NEGATIVE_INFINITY);
      if (cached === undefined || ageMs >= staleMs) return ask(keyId);
      if (ageMs >= refreshMs) ask(keyId).catch(() => {}); // whoever comes when this is too old is told
      return cached;
    },

    ask,

    /** Whether there is such a key, it was not revoked, and its time is not over. */
    isValid: ({ found, askedMs }: CachedKey): boolean =>
      found !== null && (found.endsInMs === null || clock.monotonicMs() < askedMs + found.endsInMs),

    /** How many keys it remembers, and how many that there are not. */
    sizes: () => ({ known: known.size, unknown: unknown.size }),
  };
}

/** API keys in this process's memory. */
export type KeyCache = ReturnType<typeof createKeyCache>;
