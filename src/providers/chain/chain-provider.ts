import type { Model, ModelProvider } from '@openai/agents';
import type { Clock } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Metrics } from '../../platform/metrics/metrics.ts';
import type { Answerer } from '../model-call.ts';
import { createAttemptTimeouts } from './attempt-timeouts.ts';
import { createBreakerRegistry } from './breakers/breaker-registry.ts';
import type { SharedBreakers } from './breakers/shared-breakers.ts';
import { type ChainDeps, createChainModel } from './chain-model.ts';
import { createDeployments, type Deployment, modelNameAt, servesAgent, servesModel } from './deployments/deployment.ts';
import type { ProviderConfig } from './deployments/provider-options.ts';
import type { ChainLimits } from './failover.ts';
import { createGuardedModel } from './guarded-model.ts';
import { createConcurrencyLimiter, type ProviderKeyLimits } from './limits/concurrency-limiter.ts';
import { createRetryBudgets } from './limits/retry-budget.ts';
import { createProviderMetrics } from './metrics.ts';

/** What `createProviderChain` takes. */
export type ProviderChainOptions = {
  /** The providers in the order in which they are asked. */
  providers: readonly ProviderConfig[];
  limits: ChainLimits;
  /** What other processes know; null where there are none. */
  board: SharedBreakers | null;
  /** Where the places of keys are counted. */
  keys: ProviderKeyLimits;
  metrics: Metrics;
  clock: Clock;
  /** Gives [0, 1). */
  random: () => number;
  log: Pick<Logger, 'warn' | 'info'>;
};

/** Model providers in a chain: one after the other is asked until one has answered. */
export function createProviderChain(options: ProviderChainOptions) {
  const { providers, limits, board, keys, metrics: allMetrics, clock, random, log } = options;
  const models = new Map<string, Model>();
  const deployments = new Set<Deployment>();
  const standing = createBreakerRegistry({ sharedBreakers: board, clock, log });
  const metrics = createProviderMetrics(registry, () =>
    [...deployments].map((each) => ({ provider: each.provider, state: standing.stateOf(each) })),
  );

  const made = providers.map((config) => createDeployments(config, limits.callMs, (each) => deployments.add(each)));
  const governor = createConcurrencyLimiter(keys, clock);
  const clocks = createAttemptTimeouts(clock);
  const deps: ChainDeps = {
    providers: made,
    standing,
    governor,
    budgetOf: createRetryBudgets(clock.monotonicMs),
    limits,
    clocks,
    metrics,
    clock,
    random,
    log,
  };

  const provider: ModelProvider = {
    getModel(name = '') {
      let found = models.get(name);
      if (!found) {
        found = createChainModel(deps, name);
        models.set(name, found);
      }
      return found;
    },
  };

  return {
    /** For the SDK. */
    provider,

    /** What closes connections at the end. */
    clients: made.map(({ client }) => client),

    /** Has a model that the application brings along keep to the same rules; without failover. */
    guard: (model: Model, name: string): Model => createGuardedModel({ limits, clocks, metrics, clock }, model, name),

    /** Who may answer an agent that asks for a model by this name. */
    mayAnswer: (name: string, agent: string | null): Answerer[] =>
      providers
        .filter((config) => servesModel(config, name) && servesAgent(config, agent))
        .map((config) => ({ provider: config.name, model: modelNameAt(config, name) })),

    /** Why no provider can be asked at the moment; null while one can be, or none has been yet. */
    outage(): string | null {
      const all = [...deployments];
      const isOut = all.length > 0 && all.every((each) => standing.availability(each).type === 'unavailable');
      return isOut ? 'no model provider is available at the moment' : null;
    },
  };
}

/** See `createProviderChain`. */
export type ProviderChain = ReturnType<typeof createProviderChain>;
