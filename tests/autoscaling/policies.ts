import type { HpaSpec } from './hpa/spec.ts';
import { demandMetric } from './parameters.ts';
import { queuedMetric } from './simulation.ts';

/** Runs that may wait for each pod before the policy by queue adds another. */
export const queuedTarget = 10;

/** By what pods are added and removed. */
export type Policy = { name: string; color: string; of(deployed: HpaSpec): HpaSpec };

/** The three that are compared; all else is what is deployed. */
export const policies: Record<'cpu' | 'queue' | 'demand', Policy> = {
  cpu: {
    name: 'CPU only',
    color: '#d97706',
    of: (deployed) => ({ ...deployed, metrics: deployed.metrics.filter(({ type }) => type === 'cpu') }),
  },
  queue: {
    name: 'Queue only',
    color: '#c026d3',
    of: (deployed) => ({
      ...deployed,
      metrics: [{ type: 'external', name: queuedMetric, averageValue: queuedTarget }],
    }),
  },
  demand: {
    name: 'CPU with demand',
    color: '#0369a1',
    of: (deployed) => ({
      ...deployed,
      metrics: deployed.metrics.filter((metric) => metric.type === 'cpu' || metric.name === demandMetric),
    }),
  },
};

/** The name of a policy in code. */
export type PolicyName = keyof typeof policies;
