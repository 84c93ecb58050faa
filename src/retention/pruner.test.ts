import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { createFakeClock } from '../../tests/support/fake-clock.ts';
import { ServiceError } from '../platform/errors.ts';
import { createMetrics } from '../platform/metrics/metrics.ts';
import type { Removed, RetentionStore } from '../storage/port/index.ts';
import { createPruner } from './pruner.ts';

const minuteMs = 60_000;
const alive = () => AbortSignal.timeout(10_000);

/** A pruner on a store whose batches take `batchMs`, and whose content the test sets in `left`. */
function createPrunerUnderTest({
  retentionMs = (30 * 24 * 60 * minuteMs) as number | null,
  batchMs = 0,
  random = 0,
} = {}) {
  const clock = createFakeClock();
  const calls: { call: string; atMs: number }[] = [];
  const left = { deleted: 0, runs: 0, keys: 0 };
  const failures: Error[] = [];

  const batch = async (what: keyof typeof left, limit: number, call: string): Promise<Removed> => {
    calls.push({ call, atMs: clock.monotonicMs() });
    const failure = failures.shift();
    if (failure) throw failure;
    // tidy: sleep because the test moves this clock: the batch takes that long
    if (batchMs > 0) await clock.sleep(batchMs);
    const removed = Math.min(limit, left[what]);
    left[what] -= removed;
    return { removed, more: removed === limit };
  };
  const retention: RetentionStore = {
    pruneRuns: (olderThanMs, limit) => batch('runs', limit, `runs ${olderThanMs}`),
    pruneKeys: (limit) => batch('keys', limit, 'keys'),
    pruneDeleted: (limit) => batch('deleted', limit, 'deleted'),
    countExpired: async () => ({ runs: left.runs, keys: left.keys }),
  };
  const lines: Record<string, unknown>[] = [];
  const log = pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const metrics = createMetrics();
  const pruner = createPruner({ retention, retentionMs, metrics, clock, random: () => random, log });
  const prunedRuns = async () =>
    (await metrics.registry.getSingleMetric('agent_service_pruned_runs_total')?.get())?.values[0]?.value;
  const atOf = (call: string) => calls.flatMap((each) => (each.call === call ? [each.atMs] : []));
  return { pruner, clock, calls, atOf, left, failures, lines, prunedRuns };
}

describe('the pruner', () => {
  test('sweeps every ten minutes at most, and not at the same time in every process', async () => {
    for (const [random, minutes] of [
      [0, 5],
      [0.5, 7.5],
    ] as const) {
      const { pruner, clock, atOf } = createPrunerUnderTest({ random });
      await pruner.start();
      await clock.advance(20 * minuteMs);
      expect(atOf('deleted').slice(0, 2)).toEqual([minutes * minuteMs, 2 * minutes * minuteMs]);
      await pruner.stop(alive());
    }
  });

  test('sweeps more often if runs are kept for a short time', async () => {
    const { pruner, clock, atOf } = createPrunerUnderTest({ retentionMs: minuteMs });
    await pruner.start();
    await clock.advance(minuteMs);
    expect(atOf(`runs ${minuteMs}`)).toHaveLength(20);
    await pruner.stop(alive());
  });

  test('deletes everything whose retention is over, counts the runs and logs one line', async () => {
    const { pruner, clock, left, lines, prunedRuns } = createPrunerUnderTest();
    Object.assign(left, { deleted: 250, runs: 1_010, keys: 700 });
    await pruner.start();
    await clock.advance(6 * minuteMs);
    expect(left).toEqual({ deleted: 0, runs: 0, keys: 0 });
    expect(await prunedRuns()).toBe(1_010);
    expect(lines).toMatchObject([{ msg: 'old runs and idempotency keys pruned', runs: 1_010, keys: 700 }]);
    await clock.advance(60 * minuteMs);
    expect(lines).toHaveLength(1);
    await pruner.stop(alive());
  });

  test('pauses after each batch as long as the batch took', async () => {
    const { pruner, clock, left, atOf } = createPrunerUnderTest({ batchMs: 40 });
    left.runs = 250;
    await pruner.start();
    await clock.advance(6 * minuteMs);
    const [first = 0, ...others] = atOf(`runs ${30 * 24 * 60 * minuteMs}`);
    expect(others).toEqual([first + 80, first + 160]);
    await pruner.stop(alive());
  });

  test('keeps runs for ever if that is set, and still deletes idempotency keys', async () => {
    const { pruner, clock, left } = createPrunerUnderTest({ retentionMs: null });
    Object.assign(left, { runs: 5, keys: 5 });
    await pruner.start();
    await clock.advance(10 * minuteMs);
    expect(left).toMatchObject({ runs: 5, keys: 0 });
    await pruner.stop(alive());
  });

  test('retries later if the store is not available', async () => {
    const { pruner, clock, left, failures, lines } = createPrunerUnderTest();
    failures.push(new ServiceError('store_unavailable', {}));
    left.runs = 5;
    await pruner.start();
    await clock.advance(6 * minuteMs);
    expect([left.runs, lines.at(-1)?.msg]).toEqual([5, 'pruning failed, trying again later']);
    await clock.advance(5 * minuteMs);
    expect(left.runs).toBe(0);
    await pruner.stop(alive());
  });

  test('stops after the batch in progress', async () => {
    const { pruner, clock, left, calls } = createPrunerUnderTest({ batchMs: 40 });
    left.runs = 1_000;
    await pruner.start();
    await clock.advance(5 * minuteMs + 50); // within the first batch of runs
    const stopped = pruner.stop(alive());
    await clock.advance(1_000);
    await stopped;
    expect([left.runs, calls.length]).toEqual([900, 2]);
  });
});
