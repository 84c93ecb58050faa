import type { KeyCache } from '../keys/key-cache.ts';
import type { Clock } from '../platform/clock.ts';
import type { Identity } from '../tenancy/index.ts';

/** What the watch stands on. */
export type KeyRevocationWatchDeps = { keys: Pick<KeyCache, 'ask' | 'isValid'>; clock: Clock };

/** How often keys that are watched are looked at, in ms. */
const lookMs = 2_000;

/** Until when something may go on that a key has opened; disposing of it ends the watch. */
export type WatchedKey = Disposable & { readonly ended: AbortSignal };

const never = new AbortController().signal;
const unwatched: WatchedKey = { ended: never, [Symbol.dispose]: () => {} };

/**
 * Tells what a key has opened and is still open, such as a stream, that the key was revoked or has expired: within
 * seconds, and with one look for all keys however much is open. While the store cannot be asked, everything goes on.
 */
export function createKeyRevocationWatch({ keys, clock }: KeyRevocationWatchDeps) {
  const watched = new Map<string, { end: AbortController; watchers: number }>();
  let looking = false;

  async function look(): Promise<void> {
    await Promise.all(
      [...watched].map(async ([keyId, { end }]) => {
        const now = await keys.ask(keyId).catch(() => null);
        if (now !== null && !keys.isValid(now)) end.abort();
      }),
    );
  }

  async function lookOn(): Promise<void> {
    while (watched.size > 0) {
      await clock.sleep(lookMs);
      await look();
    }
    looking = false;
  }

  return {
    /** Watches the key that a request came with; one that is in no store does not end. */
    watch({ keyId, stored }: Pick<Identity, 'keyId' | 'stored'>): WatchedKey {
      if (keyId === null || !stored) return unwatched;
      const entry = watched.get(keyId) ?? { end: new AbortController(), watchers: 0 };
      watched.set(keyId, entry);
      entry.watchers += 1;
      if (!looking) {
        looking = true;
        void lookOn();
      }
      let over = false;
      return {
        ended: entry.end.signal,
        [Symbol.dispose]() {
          if (over) return;
          over = true;
          entry.watchers -= 1;
          if (entry.watchers === 0) watched.delete(keyId);
        },
      };
    },
  };
}

/** Tells when the keys end that something was opened with. */
export type KeyRevocationWatch = ReturnType<typeof createKeyRevocationWatch>;
