import { setBounded } from '../platform/bounded-map.ts';
import type { Clock } from '../platform/clock.ts';
import type { Logger } from '../platform/logger.ts';
import type { KeyStore } from '../storage/port/index.ts';

/** Dependencies of the recorder. */
export type LastUsedRecorderDeps = {
  store: Pick<KeyStore, 'markUsed'>;
  clock: Clock;
  log: Pick<Logger, 'warn'>;
  /** Keys in memory at most, each with the time of its last write. Defaults to 10,000. */
  entriesMax?: number;
};

/** The interval at which the use of one key is written to the store, in ms. */
const intervalMs = 60_000;

/** Records in the store when keys were last used: at most once a minute for each key, and without a wait for the caller. */
export function createLastUsedRecorder({ store, clock, log, entriesMax = 10_000 }: LastUsedRecorderDeps) {
  const recordedAtMs = new Map<string, number>();
  let queued = new Set<string>();
  let writing = false;

  async function writeQueued(): Promise<void> {
    while (queued.size > 0) {
      const keyIds = [...queued];
      queued = new Set();
      await store.markUsed(keyIds, intervalMs).catch((error: unknown) => {
        log.warn({ reason: error instanceof Error ? error.message : 'unknown' }, 'the use of API keys was not noted');
      });
    }
    writing = false;
  }

  return {
    /** Records that the key is used now. */
    record(keyId: string): void {
      const nowMs = clock.monotonicMs();
      if (nowMs - (recordedAtMs.get(keyId) ?? Number.NEGATIVE_INFINITY) < intervalMs) return;
      setBounded(recordedAtMs, keyId, nowMs, entriesMax);
      queued.add(keyId);
      if (writing) return;
      writing = true;
      void writeQueued();
    },
  };
}

/** See `createLastUsedRecorder`. */
export type LastUsedRecorder = ReturnType<typeof createLastUsedRecorder>;
