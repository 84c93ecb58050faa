import type { Registry } from 'prom-client';
import { createBudgetService } from './budgets/index.ts';
import type { Clock } from './platform/clock.ts';
import type { Ids } from './platform/ids.ts';
import type { Logger } from './platform/logger.ts';
import type { Settings } from './platform/settings.ts';
import type { Store } from './storage/port/index.ts';
import { createBudgetBook, createBudgets, type KeyCache, toNanoUsd } from './tenancy/index.ts';

/** What budgets stand on. */
export type BudgetPartsDeps = {
  store: Store;
  keys: Pick<KeyCache, 'get'>;
  processId(): string;
  ids: Ids;
  registry: Registry;
  clock: Clock;
  log: Logger;
};

/** What may be spent: kept while runs are executed, and shown and changed over HTTP. */
export function createBudgetParts(
  { tenantBudgets, runBudget }: Pick<Settings, 'tenantBudgets' | 'runBudget'>,
  { store, keys, ...deps }: BudgetPartsDeps,
) {
  const book = createBudgetBook({ store: store.budgets, tenantDefaults: tenantBudgets, clock: deps.clock });
  const { usd, tokens } = runBudget;
  const control = createBudgets({
    ...deps,
    store: store.budgets,
    book,
    ofKey: async (keyId) => (await keys.get(keyId)).found?.key ?? null,
    runLimits: { tokensMax: tokens, nanoUsdMax: usd === null ? null : toNanoUsd(usd) },
    random: Math.random,
  });
  return { control, service: createBudgetService({ store: store.budgets, book, log: deps.log }) };
}
