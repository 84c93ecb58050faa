import type { Metrics } from '../../platform/metrics/metrics.ts';
import type { BreakerState } from './breakers/breaker-state.ts';
import type { Deployment } from './deployments/deployment.ts';

type States = { provider: string; state: BreakerState['type'] }[];

/**
 * The metrics of providers; `src/platform/metrics/metrics-table.ts` describes them. Labels hold names of the
 * configuration and words of this service.
 *
 * @param states the breakers of all deployments at the moment
 */
export function createProviderMetrics(metrics: Metrics, states: () => States) {
  const attempts = metrics.counter('agent_service_provider_attempts_total');
  const retries = metrics.counter('agent_service_provider_retries_total');
  const failovers = metrics.counter('agent_service_provider_failovers_total');
  const waits = metrics.histogram('agent_service_provider_wait_seconds');
  metrics.gauge('agent_service_provider_breakers', (gauge) => {
    gauge.reset();
    for (const { provider, state } of states()) gauge.inc({ provider, state });
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
