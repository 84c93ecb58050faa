import type { Clock } from '../platform/clock.ts';
import type { Identity } from '../tenancy/index.ts';
import type { KeyCache } from './key-cache.ts';

/** Dependencies of the watch. */
export type KeyRevocationWatchDeps = { keys: Pick<KeyCache, 'lookUp' | 'isValid'>; clock: Clock };

/** The interval at which watched keys are checked, in ms. */
const checkMs = 2_000;

/** A watched key. `ended` aborts when the key is revoked or expires; disposing ends the watch. */
export type WatchedKey = Disposable & { readonly ended: AbortSignal };

const never = new AbortController().signal;
const unwatched: WatchedKey = { ended: never, [Symbol.dispose]: () => {} };

/**
 * Ends what was opened with a key, such as a stream, within seconds after the key was revoked or has expired. A key is
 * looked up once in each check, however many streams it has open. While the store is unavailable, all streams go on.
 */
export function createKeyRevocationWatch({ keys, clock }: KeyRevocationWatchDeps) {
  const watched = new Map<string, { end: AbortController; watchers: number }>();
  let checking = false;

  async function check(): Promise<void> {
    await Promise.all(
      [...watched].map(async ([keyId, { end }]) => {
        const current = await keys.lookUp(keyId).catch(() => null);
        if (current !== null && !keys.isValid(current)) end.abort();
      }),
    );
  }

  async function checkRepeatedly(): Promise<void> {
    while (watched.size > 0) {
      await clock.sleep(checkMs);
      await check();
    }
    checking = false;
  }

  return {
    /** Watches the key of a request. A key that is not in the store never ends. */
    watch({ keyId, stored }: Pick<Identity, 'keyId' | 'stored'>): WatchedKey {
      if (keyId === null || !stored) return unwatched;
      const entry = watched.get(keyId) ?? { end: new AbortController(), watchers: 0 };
      watched.set(keyId, entry);
      entry.watchers += 1;
      if (!checking) {
        checking = true;
        void checkRepeatedly();
      }
      let disposed = false;
      return {
        ended: entry.end.signal,
        [Symbol.dispose]() {
          if (disposed) return;
          disposed = true;
          entry.watchers -= 1;
          if (entry.watchers === 0) watched.delete(keyId);
        },
      };
    },
  };
}

/** See `createKeyRevocationWatch`. */
export type KeyRevocationWatch = ReturnType<typeof createKeyRevocationWatch>;
