import { AggregatorRegistry, Gauge, type PrometheusContentType, Registry } from 'prom-client';

/** The metrics of a process as they are sent to another one: the JSON that prom-client makes of a registry. */
export type MetricsSnapshot = readonly object[];

type Kind = 'totals' | 'gauges';

/**
 * Reads the metrics of one kind. Totals (counters and histograms) only ever grow and are cheap to read. Gauges hold for
 * the moment, and some query the store.
 */
export async function readMetrics(registry: Registry, kind: Kind): Promise<MetricsSnapshot> {
  const isOfKind = (metric: object) => metric instanceof Gauge === (kind === 'gauges');
  const metrics = registry.getMetricsAsArray().flatMap(({ name }) => registry.getSingleMetric(name) ?? []);
  return await Promise.all(metrics.filter(isOfKind).map((metric) => metric.get()));
}

/** Sums the snapshots; a gauge that names another aggregator is aggregated by that one. */
const aggregate = (snapshots: readonly MetricsSnapshot[]) =>
  AggregatorRegistry.aggregate<PrometheusContentType>(snapshots.map((snapshot) => [...snapshot]));

/**
 * Aggregates the metrics of several processes into those of one. The totals of ended processes stay in the sum, so that a
 * counter never falls.
 */
export function createMetricsAggregator() {
  let endedTotals: MetricsSnapshot = [];
  return {
    contentType: Registry.PROMETHEUS_CONTENT_TYPE,
    /** Adds the totals of a process that has ended. */
    keep(totals: MetricsSnapshot): void {
      endedTotals = aggregate([endedTotals, totals]).getMetricsAsArray();
    },
    /** The totals of all ended processes together with these snapshots, in Prometheus's text format. */
    text: (live: readonly MetricsSnapshot[]): Promise<string> => aggregate([endedTotals, ...live]).metrics(),
  };
}
