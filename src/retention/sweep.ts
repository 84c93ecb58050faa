import type { Clock } from '../platform/clock.ts';
import type { Removed, RetentionStore } from '../storage/port/index.ts';

/** Runs, and idempotency keys, that go in one batch at most. */
const runsMax = 100;
const keysMax = 500;
/** The shortest pause between two batches, in ms; after a slow one the pause is as long as the batch was. */
const pauseMsMin = 5;

/** What a sweep is to remove, and who is told. */
export type SweepOptions = {
  /** Runs that ended longer ago go, in ms; null leaves runs alone. */
  olderThanMs: number | null;
  /** Ends the sweep after the batch under way. */
  signal: AbortSignal;
  /** Told after each batch how many runs are gone so far. Defaults to nobody. */
  progress?(runs: number): void;
};

/** What a sweep has removed; `complete` unless it was ended early. */
export type Swept = { runs: number; keys: number; complete: boolean };

/**
 * Removes all that has had its time, batch by batch, with as long a pause after each as it took: whoever works with the
 * store meanwhile has it at least half of the time.
 */
export async function sweep(
  { retention, clock }: { retention: RetentionStore; clock: Clock },
  { olderThanMs, signal, progress }: SweepOptions,
): Promise<Swept> {
  async function toTheEnd(batch: () => Promise<Removed>, told: (removed: number) => void = () => {}): Promise<number> {
    for (let removed = 0; ; ) {
      if (signal.aborted) return removed;
      const startedMs = clock.monotonicMs();
      const { removed: gone, more } = await batch();
      removed += gone;
      told(removed);
      if (!more) return removed;
      await clock.sleep(Math.max(pauseMsMin, clock.monotonicMs() - startedMs), signal).catch(() => {});
    }
  }

  await toTheEnd(() => retention.pruneDeleted(runsMax));
  const runs = olderThanMs === null ? 0 : await toTheEnd(() => retention.pruneRuns(olderThanMs, runsMax), progress);
  const keys = await toTheEnd(() => retention.pruneKeys(keysMax));
  return { runs, keys, complete: !signal.aborted };
}
