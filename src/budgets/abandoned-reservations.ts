import type { Clock } from '../platform/clock.ts';
import type { Logger } from '../platform/logger.ts';
import type { BudgetStore } from '../storage/port/index.ts';

/** The mean time between two sweeps, in ms; jitter of a half spreads them over the processes. */
const sweepMs = 10_000;
/** Rows that one statement settles or deletes at most. */
const batchMax = 100;
/** How long accounts are kept after the end of their period, in ms: a month and a few days. */
const keepMs = 35 * 86_400_000;

/** Dependencies of the sweeps. */
export type AbandonedReservationsDeps = {
  store: Pick<BudgetStore, 'settleAbandoned' | 'forget'>;
  clock: Pick<Clock, 'nowMs' | 'sleep'>;
  /** Gives [0, 1). */
  random: () => number;
  log: Pick<Logger, 'warn'>;
};

/** Settles the reservations of dead processes at regular intervals, and deletes accounts whose period is long over. */
export function createAbandonedReservationSweeper({ store, clock, random, log }: AbandonedReservationsDeps) {
  const stopping = new AbortController();
  let sweeping: Promise<void> = Promise.resolve();

  async function sweep(): Promise<void> {
    while ((await store.settleAbandoned(batchMax)) === batchMax);
    while ((await store.forget(clock.nowMs() - keepMs, batchMax)) === batchMax);
  }

  async function sweepRepeatedly(): Promise<void> {
    for (;;) {
      await sweep().catch((error: unknown) =>
        log.warn({ err: error }, 'calls of dead processes could not be settled, trying again later'),
      );
      await clock.sleep(sweepMs * (0.5 + random()), stopping.signal).catch(() => {});
      if (stopping.signal.aborted) return;
    }
  }

  return {
    start(): void {
      sweeping = sweepRepeatedly();
    },
    /** Resolves once the current sweep has ended. */
    stop(): Promise<void> {
      stopping.abort();
      return sweeping;
    },
  };
}
