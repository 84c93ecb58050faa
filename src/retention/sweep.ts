import type { Clock } from '../platform/clock.ts';
import type { Removed, RetentionStore } from '../storage/port/index.ts';

/** Runs, and idempotency keys, that are deleted in one batch at most. */
const runsPerBatchMax = 100;
const keysPerBatchMax = 500;
/** Shortest pause between two batches, in ms. After a slow batch the pause is as long as the batch took. */
const pauseMsMin = 5;

/** Options of a sweep. */
export type SweepOptions = {
  /** Runs that ended longer ago than this, in ms, are deleted; null keeps all runs. */
  olderThanMs: number | null;
  /** Ends the sweep after the batch in progress. */
  signal: AbortSignal;
  /** Called after each batch with the number of runs deleted so far. Optional. */
  progress?(runs: number): void;
};

/** What a sweep has deleted; `complete` unless it was ended early. */
export type Swept = { runs: number; keys: number; complete: boolean };

/**
 * Deletes runs and idempotency keys whose retention is over, batch by batch. The pause after each batch is as long as the
 * batch took, so that other work has the store at least half of the time.
 */
export async function sweep(
  { retention, clock }: { retention: RetentionStore; clock: Clock },
  { olderThanMs, signal, progress }: SweepOptions,
): Promise<Swept> {
  async function inBatches(
    pruneBatch: () => Promise<Removed>,
    report: (removed: number) => void = () => {},
  ): Promise<number> {
    for (let total = 0; ; ) {
      if (signal.aborted) return total;
      const startedMs = clock.monotonicMs();
      const { removed, more } = await pruneBatch();
      total += removed;
      report(total);
      if (!more) return total;
      await clock.sleep(Math.max(pauseMsMin, clock.monotonicMs() - startedMs), signal).catch(() => {});
    }
  }

  await inBatches(() => retention.pruneDeleted(runsPerBatchMax));
  const runs =
    olderThanMs === null ? 0 : await inBatches(() => retention.pruneRuns(olderThanMs, runsPerBatchMax), progress);
  const keys = await inBatches(() => retention.pruneKeys(keysPerBatchMax));
  return { runs, keys, complete: !signal.aborted };
}
