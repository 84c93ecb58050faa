import type { Clock } from '../platform/clock.ts';
import type { Logger } from '../platform/logger.ts';
import type { Metrics } from '../platform/metrics/metrics.ts';
import type { Settings } from '../platform/settings/settings.ts';
import type { Store } from '../storage/port/index.ts';
import { createPruner } from './pruner.ts';

/** What retention is built from. */
export type WireRetentionDeps = {
  settings: Pick<Settings, 'runRetentionMs'>;
  store: Pick<Store, 'retention'>;
  metrics: Metrics;
  clock: Clock;
  log: Logger;
};

/** Builds retention: the `pruner` that removes runs after `RUN_RETENTION`. */
export const wireRetention = ({ settings, store, ...deps }: WireRetentionDeps) => ({
  pruner: createPruner({
    ...deps,
    retention: store.retention,
    retentionMs: settings.runRetentionMs,
    random: Math.random,
  }),
});
