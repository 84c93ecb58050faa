import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { type MetricEntry, type MetricName, metricsTable } from './metrics-table.ts';

type Table = typeof metricsTable;
type NamesOf<Type extends MetricEntry['type']> = {
  [Name in MetricName]: Table[Name]['type'] extends Type ? Name : never;
}[MetricName];
type LabelsOf<Name extends MetricName> = Table[Name] extends { labels: readonly (infer Label extends string)[] }
  ? Label
  : never;

/**
 * The metrics of a process. A feature makes each metric that it reports once, by its name in `metricsTable`; the table
 * has the rest.
 */
export function createMetrics() {
  const registry = new Registry();
  const options = (name: MetricName) => {
    const { help, labels = [], aggregator }: MetricEntry = metricsTable[name];
    return { name, help, labelNames: [...labels], aggregator: aggregator ?? ('sum' as const), registers: [registry] };
  };

  return {
    /** All metrics that were made, in Prometheus's text format by `registry.metrics()`. */
    registry,

    /** Makes a counter. */
    counter: <Name extends NamesOf<'counter'>>(name: Name): Counter<LabelsOf<Name>> => new Counter(options(name)),

    /** Makes a histogram with the buckets of the table. */
    histogram<Name extends NamesOf<'histogram'>>(name: Name): Histogram<LabelsOf<Name>> {
      const { buckets = [] }: MetricEntry = metricsTable[name];
      return new Histogram({ ...options(name), buckets: [...buckets] });
    },

    /** Makes a gauge. `collect` sets its values before each scrape; a gauge without it keeps what was set last. */
    gauge<Name extends NamesOf<'gauge'>>(
      name: Name,
      collect?: (gauge: Gauge<LabelsOf<Name>>) => void | Promise<void>,
    ): Gauge<LabelsOf<Name>> {
      const gauge: Gauge<LabelsOf<Name>> = new Gauge({
        ...options(name),
        ...(collect === undefined ? {} : { collect: () => collect(gauge) }),
      });
      return gauge;
    },
  };
}

/** See `createMetrics`. */
export type Metrics = ReturnType<typeof createMetrics>;
