import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { BreakerState } from './breakers/breaker-state.ts';
import type { Deployment } from './deployments/deployment.ts';

/** From no wait to a minute of it, in seconds. */
const waitBuckets = [0.001, 0.01, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60];

type States = { provider: string; state: BreakerState['type'] }[];

/**
 * The figures of providers, for Prometheus. Names and labels are public: `docs/runbook.md` lists them. Labels hold what
 * the configuration names, and words of this service.
 *
 * @param states the breakers of all deployments at the moment
 */
export function createProviderMetrics(registry: Registry, states: () => States) {
  const registers = [registry];
  const counter = (name: string, help: string, labelNames: string[]) =>
    new Counter({ name: `agent_service_provider_${name}`, help, labelNames, registers });
  const attempts = counter('attempts_total', 'Attempts to have a model call answered, by what became of them.', [
    'provider',
    'outcome',
  ]);
  const retries = counter('retries_total', 'Attempts at the same provider after one that failed.', ['provider']);
  const failovers = counter('failovers_total', 'Model calls that another provider took over.', ['from', 'to']);
  const waits = new Histogram({
    name: 'agent_service_provider_wait_seconds',
    help: 'What model calls waited for a place, where calls at the same time are limited.',
    labelNames: ['provider'],
    buckets: waitBuckets,
    registers,
  });
  new Gauge({
    name: 'agent_service_provider_breakers',
    help: 'Circuit breakers of models at a provider, by state, as this process sees them.',
    labelNames: ['provider', 'state'],
    registers,
    collect() {
      this.reset();
      for (const { provider, state } of states()) this.inc({ provider, state });
    },
  });

  type Of = Pick<Deployment, 'provider'>;
  return {
    attempted: ({ provider }: Of, outcome: string): void => attempts.inc({ provider, outcome }),
    retried: ({ provider }: Of): void => retries.inc({ provider }),
    failedOver: (from: string, to: string): void => failovers.inc({ from, to }),
    waited: ({ provider }: Of, waitedMs: number): void => waits.observe({ provider }, waitedMs / 1000),
  };
}

/** See `createProviderMetrics`. */
export type ProviderMetrics = ReturnType<typeof createProviderMetrics>;
