import type { Clock } from '../platform/clock.ts';
import type { Ids } from '../platform/ids.ts';
import type { Logger } from '../platform/logger.ts';
import type { Metrics } from '../platform/metrics/metrics.ts';
import { toNanoUsd } from '../platform/money.ts';
import type { Settings } from '../platform/settings/settings.ts';
import type { FoundKey, Store } from '../storage/port/index.ts';
import { createBudgetControl } from './budget-control.ts';
import { createBudgetLedger } from './budget-ledger.ts';
import { createBudgetService } from './service.ts';

/** Dependencies of the budgets. */
export type WireBudgetsDeps = {
  settings: Pick<Settings, 'tenantBudgets' | 'runBudget'>;
  store: Store;
  keys: { cache: { get(keyId: string): Promise<{ found: FoundKey | null }> } };
  /** The id under which this process holds its lease. */
  processId(): string;
  ids: Ids;
  metrics: Metrics;
  clock: Clock;
  log: Logger;
};

/** Builds the budgets: `control` checks and reserves for the execution of runs, `service` is used by the HTTP API. */
export function wireBudgets({ settings, store: { budgets: store }, keys, ...deps }: WireBudgetsDeps) {
  const { usd, tokens } = settings.runBudget;
  const ledger = createBudgetLedger({ store, tenantDefaults: settings.tenantBudgets, clock: deps.clock });
  const control = createBudgetControl({
    ...deps,
    store,
    ledger,
    ofKey: async (keyId) => (await keys.cache.get(keyId)).found?.key ?? null,
    runLimits: { tokensMax: tokens, nanoUsdMax: usd === null ? null : toNanoUsd(usd) },
    random: Math.random,
  });
  return { control, service: createBudgetService({ store, ledger, log: deps.log }) };
}
