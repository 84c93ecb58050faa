import type { Clock } from '../../platform/clock.ts';
import type { MetricsSnapshot } from './metrics-aggregator.ts';
import type { WorkerProcess } from './worker-process.ts';

/** How long a scrape waits for the answer of a worker, in ms. The totals of its last report are used if it is late. */
const answerMs = 3_000;

/** Collects the gauges of all serving workers that answer in time. */
export async function collectGauges(workers: readonly WorkerProcess[], clock: Clock): Promise<MetricsSnapshot[]> {
  const answered = new AbortController();
  const timeout = clock.sleep(answerMs, answered.signal).then(
    (): MetricsSnapshot => [],
    (): MetricsSnapshot => [],
  );
  const serving = workers.filter((worker) => worker.isServing());
  const gauges = await Promise.all(serving.map((worker) => Promise.race([worker.requestGauges(), timeout])));
  answered.abort();
  return gauges;
}

/** The metrics of the primary itself. */
export const primaryMetrics = (live: number, replaced: number): MetricsSnapshot => [
  {
    name: 'agent_service_workers',
    help: 'Worker processes on this host.',
    type: 'gauge',
    aggregator: 'sum',
    values: [{ value: live, labels: {} }],
  },
  {
    name: 'agent_service_worker_ends_total',
    help: 'Worker processes that ended while the others went on, and were replaced.',
    type: 'counter',
    aggregator: 'sum',
    values: [{ value: replaced, labels: {} }],
  },
];
