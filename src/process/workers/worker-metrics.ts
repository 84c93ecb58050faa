import type { Clock } from '../../platform/clock.ts';
import { metricsTable } from '../../platform/metrics/metrics-table.ts';
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

const ownMetric = (name: 'agent_service_workers' | 'agent_service_worker_ends_total', value: number) => {
  const { type, help } = metricsTable[name];
  return { name, help, type, aggregator: 'sum' as const, values: [{ value, labels: {} }] };
};

/** The metrics of the primary itself. */
export const primaryMetrics = (live: number, replaced: number): MetricsSnapshot => [
  ownMetric('agent_service_workers', live),
  ownMetric('agent_service_worker_ends_total', replaced),
];
