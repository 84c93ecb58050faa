import type { Clock } from '../platform/clock.ts';
import type { Service } from '../platform/lifecycle.ts';
import type { Logger } from '../platform/logger.ts';
import type { Metrics } from '../platform/metrics/metrics.ts';
import type { RetentionStore } from '../storage/port/index.ts';
import { sweep } from './sweep.ts';

/** Longest time between two sweeps, in ms, and the least number of sweeps in the time for which runs are kept. */
const sweepMsMax = 10 * 60_000;
const sweepsPerRetention = 10;

/** Dependencies of the pruner. */
export type PrunerDeps = {
  retention: RetentionStore;
  /** How long runs are kept after their end, in ms; null for ever. */
  retentionMs: number | null;
  metrics: Metrics;
  clock: Clock;
  /** Returns a number in [0, 1): processes that started together do not sweep together. */
  random: () => number;
  log: Logger;
};

/**
 * Periodically deletes runs and idempotency keys whose retention is over. A run is deleted at most a tenth of its
 * retention, and at most ten minutes, after that is over. Every process does this; rows that another process is deleting
 * are skipped.
 */
export function createPruner({ retention, retentionMs, metrics, clock, random, log }: PrunerDeps): Service {
  const everyMs = Math.min(sweepMsMax, (retentionMs ?? Number.POSITIVE_INFINITY) / sweepsPerRetention);
  const pruned = metrics.counter('agent_service_pruned_runs_total');
  let stopping = new AbortController();
  let sweeping: Promise<void> = Promise.resolve();

  async function sweepOnce(signal: AbortSignal): Promise<void> {
    const startedMs = clock.monotonicMs();
    let reported = 0;
    const progress = (runs: number) => {
      pruned.inc(runs - reported);
      reported = runs;
    };
    const { runs, keys } = await sweep({ retention, clock }, { olderThanMs: retentionMs, signal, progress });
    const tookMs = Math.round(clock.monotonicMs() - startedMs);
    if (runs + keys > 0) log.info({ runs, keys, tookMs }, 'old runs and idempotency keys pruned');
  }

  async function loop(signal: AbortSignal): Promise<void> {
    for (;;) {
      await clock.sleep(everyMs * (0.5 + random() / 2), signal).catch(() => {});
      if (signal.aborted) return;
      await sweepOnce(signal).catch((error: unknown) => log.warn({ err: error }, 'pruning failed, trying again later'));
    }
  }

  return {
    name: 'pruner',
    async start() {
      stopping = new AbortController();
      sweeping = loop(stopping.signal);
    },
    async stop() {
      stopping.abort();
      await sweeping;
    },
  };
}
