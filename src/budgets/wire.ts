import type { Registry } from 'prom-client';
import { createBudgetControl, createBudgetLedger, type KeyCache, toNanoUsd } from '../access/index.ts';
import type { Clock } from '../platform/clock.ts';
import type { Ids } from '../platform/ids.ts';
import type { Logger } from '../platform/logger.ts';
import type { Settings } from '../platform/settings/settings.ts';
import type { Store } from '../storage/port/index.ts';
import { createBudgetService } from './index.ts';

/** What budgets stand on. */
export type WireBudgetsDeps = {
  store: Store;
  keys: Pick<KeyCache, 'get'>;
  processId(): string;
  ids: Ids;
  registry: Registry;
  clock: Clock;
  log: Logger;
};

/** What may be spent: kept while runs are executed, and shown and changed over HTTP. */
export function wireBudgets(
  { tenantBudgets, runBudget }: Pick<Settings, 'tenantBudgets' | 'runBudget'>,
  { store, keys, ...deps }: WireBudgetsDeps,
) {
  const book = createBudgetLedger({ store: store.budgets, tenantDefaults: tenantBudgets, clock: deps.clock });
  const { usd, tokens } = runBudget;
  const control = createBudgetControl({
    ...deps,
    store: store.budgets,
    book,
    ofKey: async (keyId) => (await keys.get(keyId)).found?.key ?? null,
    runLimits: { tokensMax: tokens, nanoUsdMax: usd === null ? null : toNanoUsd(usd) },
    random: Math.random,
  });
  return { control, service: createBudgetService({ store: store.budgets, book, log: deps.log }) };
}
