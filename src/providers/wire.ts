import type { Clock } from '../platform/clock.ts';
import type { Service } from '../platform/lifecycle.ts';
import type { Logger } from '../platform/logger.ts';
import type { Metrics } from '../platform/metrics/metrics.ts';
import { isOfficial } from '../platform/openai-server.ts';
import type { Settings } from '../platform/settings/settings.ts';
import type { Store } from '../storage/port/index.ts';
import {
  createProviderChain,
  createProviderKeyLimits,
  createStoredBreakers,
  type ProviderConfig,
} from './chain/index.ts';
import { createMaxCostEstimator, createPriceList } from './prices/index.ts';
import { createProviderCheck } from './provider-check.ts';
import { reportRoutes } from './proxy-report.ts';
import { createSimulatedModelProvider } from './simulated/index.ts';

/** What model providers are built from. */
export type WireProvidersDeps = {
  settings: Settings;
  store: Store;
  metrics: Metrics;
  /** Whether this process logs what is the same for all processes of a host. */
  reports: boolean;
  /** Identifies this process where processes share the permits of a provider's key. */
  processId: string;
  clock: Clock;
  log: Logger;
};

/** What is the same for all configured providers: whether they are OpenAI itself, and by which APIs they are asked. */
export type ProviderFeatures = { official: boolean; apis: readonly ProviderConfig['api'][] };

const featuresOf = (providers: readonly ProviderConfig[]): ProviderFeatures => ({
  official: providers.every(({ connection }) => isOfficial(connection.baseUrl)),
  apis: providers.map(({ api }) => api),
});

/** Builds the source of model answers: the chain of providers, or the simulated model where no provider is configured. */
export function wireProviders(
  providers: readonly ProviderConfig[],
  { settings, store, metrics, reports, processId, clock, log }: WireProvidersDeps,
) {
  if (reports) reportRoutes(providers, settings.proxies, log);
  const sharedBreakers = createStoredBreakers({ store, clock, log });
  const { share, leaveShares: leave } = store.providers;
  const keyLimits = createProviderKeyLimits({ share, leave, processId, clock, log });
  const { runTimeoutMs: callMs, providerFirstEventMs: firstEventMs, providerIdleMs: idleMs } = settings;
  const limits = { callMs, firstEventMs, idleMs };
  const chain = createProviderChain({
    providers,
    limits,
    sharedBreakers,
    keys: keyLimits,
    metrics,
    clock,
    random: Math.random,
    log,
  });
  const isSimulated = providers.length === 0;
  const check = createProviderCheck(providers);
  const prices = createPriceList({ providers, overrides: settings.modelPrices, clock });
  const services: Service[] = [...chain.clients, sharedBreakers, keyLimits];
  return {
    /** What every run uses for the models that its agents do not bring along themselves. */
    defaults: {
      modelProvider: isSimulated ? createSimulatedModelProvider({ clock }) : chain.provider,
      model: settings.openai.model,
      guard: chain.guard,
      costOf: prices.costOf,
      maxCostOf: createMaxCostEstimator(prices, isSimulated ? null : chain),
    },
    features: featuresOf(providers),
    /** Checks the providers, for readiness; null where there is none. */
    check: check && (async (signal: AbortSignal) => chain.outage() ?? (await check(signal))),
    services,
  };
}
