import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { createMetricsAggregator, type MetricsSnapshot, readMetrics } from './metrics-aggregator.ts';

/** A snapshot after it was sent from one process to another. */
const sent = (snapshot: MetricsSnapshot): MetricsSnapshot => JSON.parse(JSON.stringify(snapshot)) as MetricsSnapshot;

/** A process with metrics of each kind. */
function createProcess() {
  const registry = new Registry();
  const registers = [registry];
  const runs = new Counter({ name: 'runs_total', help: 'Runs.', labelNames: ['status'], registers });
  const seconds = new Histogram({ name: 'run_seconds', help: 'Seconds.', buckets: [1, 10], registers });
  const slots = new Gauge({ name: 'slots', help: 'Slots of a process.', registers });
  const demand = new Gauge({ name: 'demand', help: 'Of the whole store.', aggregator: 'max', registers });
  return {
    runs,
    seconds,
    slots,
    demand,
    totals: async () => sent(await readMetrics(registry, 'totals')),
    gauges: async () => sent(await readMetrics(registry, 'gauges')),
  };
}

const linesOf = async (text: Promise<string>) =>
  (await text).split('\n').filter((line) => line !== '' && !line.startsWith('#'));

test('counters and histograms of processes are summed, label by label', async () => {
  const [one, other] = [createProcess(), createProcess()];
  one.runs.inc({ status: 'completed' }, 3);
  other.runs.inc({ status: 'completed' }, 4);
  other.runs.inc({ status: 'failed' }, 1);
  one.seconds.observe(0.5);
  other.seconds.observe(5);
  other.seconds.observe(50);
  expect(await linesOf(createMetricsAggregator().text([await one.totals(), await other.totals()]))).toEqual([
    'runs_total{status="completed"} 7',
    'runs_total{status="failed"} 1',
    'run_seconds_bucket{le="1"} 1',
    'run_seconds_bucket{le="10"} 2',
    'run_seconds_bucket{le="+Inf"} 3',
    'run_seconds_sum 55.5',
    'run_seconds_count 3',
  ]);
});

test('gauges of processes are summed, and those that every process reads from the store are taken once', async () => {
  const [one, other] = [createProcess(), createProcess()];
  one.slots.set(50);
  other.slots.set(30);
  one.demand.set(7);
  other.demand.set(8); // read a moment later
  const text = createMetricsAggregator().text([await one.gauges(), await other.gauges()]);
  expect(await linesOf(text)).toEqual(['slots 80', 'demand 8']);
});

test('the totals of a process stay after its end, and those of its replacement are added', async () => {
  const [one, replacement] = [createProcess(), createProcess()];
  const aggregator = createMetricsAggregator();
  one.runs.inc({ status: 'completed' }, 3);
  one.seconds.observe(5);
  const before = await linesOf(aggregator.text([await one.totals()]));
  aggregator.keep(await one.totals());
  expect(await linesOf(aggregator.text([]))).toEqual(before);
  replacement.runs.inc({ status: 'completed' }, 2);
  expect(await linesOf(aggregator.text([await replacement.totals()]))).toContain('runs_total{status="completed"} 5');
  aggregator.keep(await replacement.totals());
  expect(await linesOf(aggregator.text([]))).toContain('runs_total{status="completed"} 5');
});

test('a process that ended without a report adds nothing', async () => {
  const aggregator = createMetricsAggregator();
  aggregator.keep([]);
  expect(await linesOf(aggregator.text([]))).toEqual([]);
});

test('the names, help texts and types are those of the processes', async () => {
  const one = createProcess();
  const aggregator = createMetricsAggregator();
  aggregator.keep(await one.totals());
  const text = await aggregator.text([await one.gauges()]);
  expect(text).toContain('# HELP runs_total Runs.\n# TYPE runs_total counter');
  expect(text).toContain('# TYPE run_seconds histogram');
  expect(text).toContain('# HELP demand Of the whole store.\n# TYPE demand gauge');
});
