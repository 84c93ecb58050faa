import type { Model, ModelProvider } from '@openai/agents';
import type { Clock } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Metrics } from '../../platform/metrics/metrics.ts';
import type { Answerer } from '../model-call.ts';
import { createAttemptTimeouts } from './attempt-timeouts.ts';
import { createBreakerRegistry } from './breakers/breaker-registry.ts';
import type { SharedBreakers } from './breakers/shared-breakers.ts';
import type { ChainLimits } from './call-deadline.ts';
import { type ChainDeps, createChainModel } from './chain-model.ts';
import { createDeployments, type Deployment, modelNameAt, servesAgent, servesModel } from './deployments/deployment.ts';
import type { ProviderConfig } from './deployments/provider-options.ts';
import { createGuardedModel } from './guarded-model.ts';
import { createConcurrencyLimiter, type ProviderKeyLimits } from './limits/concurrency-limiter.ts';
import { createRetryBudgets } from './limits/retry-budget.ts';
import { createProviderMetrics } from './metrics.ts';

/** Options of `createProviderChain`. */
export type ProviderChainOptions = {
  /** The providers in the order in which they are asked. */
  providers: readonly ProviderConfig[];
  limits: ChainLimits;
  /** The breakers that processes share; null where there is only this process. */
  sharedBreakers: SharedBreakers | null;
  /** The concurrency limits of keys. */
  keys: ProviderKeyLimits;
  metrics: Metrics;
  clock: Clock;
  /** Gives [0, 1). */
  random: () => number;
  log: Pick<Logger, 'warn' | 'info'>;
};

/** The SDK's view of the chain: one model for each name. */
function createModelProvider(deps: ChainDeps): ModelProvider {
  const models = new Map<string, Model>();
  return {
    getModel(name = '') {
      let found = models.get(name);
      if (!found) {
        found = createChainModel(deps, name);
        models.set(name, found);
      }
      return found;
    },
  };
}

/** Model providers in a chain: they are asked one after the other until one has answered. */
export function createProviderChain(options: ProviderChainOptions) {
  const { providers, limits, sharedBreakers, keys, metrics: allMetrics, clock, random, log } = options;
  const deployments = new Set<Deployment>();
  const breakers = createBreakerRegistry({ sharedBreakers, clock, log });
  const metrics = createProviderMetrics(allMetrics, () =>
    [...deployments].map((each) => ({ provider: each.provider, state: breakers.stateOf(each) })),
  );

  const providerDeployments = providers.map((config) =>
    createDeployments(config, limits.callMs, (each) => deployments.add(each)),
  );
  const timeouts = createAttemptTimeouts(clock);
  const deps: ChainDeps = {
    providers: providerDeployments,
    breakers,
    limiter: createConcurrencyLimiter(keys, clock),
    budgetOf: createRetryBudgets(clock.monotonicMs),
    limits,
    timeouts,
    metrics,
    clock,
    random,
    log,
  };

  return {
    /** For the SDK. */
    provider: createModelProvider(deps),

    /** The clients; to stop them closes their connections. */
    clients: providerDeployments.map(({ client }) => client),

    /** Puts a model of the application's own under the same rules; without failover. */
    guard: (model: Model, name: string): Model => createGuardedModel({ limits, timeouts, metrics, clock }, model, name),

    /** The providers, with their models, that may answer an agent that asks for a model by this name. */
    mayAnswer: (name: string, agent: string | null): Answerer[] =>
      providers
        .filter((config) => servesModel(config, name) && servesAgent(config, agent))
        .map((config) => ({ provider: config.name, model: modelNameAt(config, name) })),

    /** Why no provider can be asked at the moment; null while one can be, or before the first request. */
    outage(): string | null {
      const all = [...deployments];
      const isOut = all.length > 0 && all.every((each) => breakers.availability(each).type === 'unavailable');
      return isOut ? 'no model provider is available at the moment' : null;
    },
  };
}

/** See `createProviderChain`. */
export type ProviderChain = ReturnType<typeof createProviderChain>;
