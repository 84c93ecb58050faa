import { setBounded } from '../platform/bounded-map.ts';
import type { Clock } from '../platform/clock.ts';
import type { Logger } from '../platform/logger.ts';
import type { KeyStore } from '../storage/port/index.ts';

/** What the notes stand on. */
export type LastUsedRecorderDeps = {
  store: Pick<KeyStore, 'markUsed'>;
  clock: Clock;
  log: Pick<Logger, 'warn'>;
  /** Keys whose last note is remembered at most. Defaults to 10,000. */
  entriesMax?: number;
};

/** How often the use of one key is written down, in ms. */
const everyMs = 60_000;

/** Notes in the store when keys were last used: at most once a minute a key, and nobody waits for it. */
export function createLastUsedRecorder({ store, clock, log, entriesMax = 10_000 }: LastUsedRecorderDeps) {
  const notedMs = new Map<string, number>();
  let waiting = new Set<string>();
  let writing = false;

  async function writeAll(): Promise<void> {
    while (waiting.size > 0) {
      const keyIds = [...waiting];
      waiting = new Set();
      await store.markUsed(keyIds, everyMs).catch((error: unknown) => {
        log.warn({ reason: error instanceof Error ? error.message : 'unknown' }, 'the use of API keys was not noted');
      });
    }
    writing = false;
  }

  return {
    /** The key was used just now. */
    note(keyId: string): void {
      const nowMs = clock.monotonicMs();
      if (nowMs - (notedMs.get(keyId) ?? Number.NEGATIVE_INFINITY) < everyMs) return;
      setBounded(notedMs, keyId, nowMs, entriesMax);
      waiting.add(keyId);
      if (writing) return;
      writing = true;
      void writeAll();
    },
  };
}

/** Notes when keys were last used. */
export type LastUsedRecorder = ReturnType<typeof createLastUsedRecorder>;
