import type { Registry } from 'prom-client';
import type { Clock } from '../platform/clock.ts';
import type { Logger } from '../platform/logger.ts';
import type { Settings } from '../platform/settings/settings.ts';
import { journalProvider } from '../runs/index.ts';
import type { Store } from '../storage/port/index.ts';
import {
  createPriceList,
  createProviderChain,
  createProviderCheck,
  createProviderKeyLimits,
  createSimulatedModelProvider,
  createStoredBreakers,
  type ProviderConfig,
} from './index.ts';
import { createMaxCostEstimator } from './prices/max-cost.ts';

/** What models stand on. */
export type ModelDeps = {
  settings: Settings;
  store: Store;
  registry: Registry;
  processId: string;
  clock: Clock;
  log: Logger;
};

/** Where answers of models come from: the chain of providers, or the simulated model where there is none. */
export function wireProviders(
  providers: readonly ProviderConfig[],
  { settings, store, registry, processId, clock, log }: ModelDeps,
) {
  const board = createStoredBreakers({ store, clock, log });
  const { share, leaveShares: leave } = store.providers;
  const keys = createProviderKeyLimits({ share, leave, processId, clock, log });
  const { runTimeoutMs: callMs, providerFirstEventMs: firstEventMs, providerIdleMs: idleMs } = settings;
  const limits = { callMs, firstEventMs, idleMs };
  const chain = createProviderChain({ providers, limits, board, keys, registry, clock, random: Math.random, log });
  const modelProvider = providers.length > 0 ? chain.provider : createSimulatedModelProvider({ clock });
  const check = createProviderCheck(providers);
  const prices = createPriceList({ providers, overrides: settings.modelPrices, clock });
  return {
    defaults: {
      modelProvider: journalProvider(modelProvider),
      model: settings.openai.model,
      guard: chain.guard,
      costOf: prices.costOf,
      quote: createMaxCostEstimator(prices, providers.length > 0 ? chain : null),
    },
    /** Looks how the providers are; null where there is none. */
    check: check && (async (signal: AbortSignal) => chain.outage() ?? (await check(signal))),
    services: [...chain.clients, board, keys],
  };
}
