import { AggregatorRegistry, Gauge, type PrometheusContentType, Registry } from 'prom-client';

/** Figures as they travel between processes: what prom-client makes of a registry. */
export type Figures = readonly object[];

type Kind = 'totals' | 'gauges';

/**
 * The figures of one kind of a process: totals (counters, histograms) only ever grow and cost nothing to read; gauges are
 * of the moment, and some ask the store.
 */
export async function readMetrics(registry: Registry, kind: Kind): Promise<Figures> {
  const isOfKind = (metric: object) => metric instanceof Gauge === (kind === 'gauges');
  const metrics = registry.getMetricsAsArray().flatMap(({ name }) => registry.getSingleMetric(name) ?? []);
  return await Promise.all(metrics.filter(isOfKind).map((metric) => metric.get()));
}

/** Sums, or for a gauge that is said to be aggregated otherwise: that. */
const aggregate = (all: readonly Figures[]) =>
  AggregatorRegistry.aggregate<PrometheusContentType>(all.map((each) => [...each]));

/**
 * The figures of processes that come and go, as those of one: what they count is summed, and what one that is gone had
 * counted stays in the sum, so that it never falls.
 */
export function createMetricsAggregator() {
  let gone: Figures = [];
  return {
    contentType: Registry.PROMETHEUS_CONTENT_TYPE,
    /** Keeps what a process that is gone had counted. */
    keep(totals: Figures): void {
      gone = aggregate([gone, totals]).getMetricsAsArray();
    },
    /** What those that are gone had counted together with these figures, in Prometheus's text format. */
    text: (live: readonly Figures[]): Promise<string> => aggregate([gone, ...live]).metrics(),
  };
}
