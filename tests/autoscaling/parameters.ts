import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { parseSettings } from '../../src/platform/settings/settings.ts';
import { backgroundShare } from '../../src/runs/recovery/claimer.ts';
import type { HpaSpec, MetricSpec, ScalingRules } from './hpa/spec.ts';

/** The metric by which the service is scaled: runs queued and running, in the whole store. */
export const demandMetric = 'agent_service_demand';

/** What a deployment says that has to do with the number of its pods. */
export type DeploymentParameters = {
  hpa: HpaSpec;
  /** Runs that a pod executes at once. */
  slots: number;
  /** How many of them runs in the background may take. */
  backgroundSlots: number;
  cpuRequestMillicores: number;
  /** From a pod's removal until it takes no more runs from the queue, in ms: its preStop hook and `PRESTOP_DELAY`. */
  noticeMs: number;
  /** How long runs with a waiting caller go on after that, in ms. */
  graceMs: number;
  /** How long a run with a waiting caller may last, in ms. */
  timeoutMs: number;
};

/** A quantity of Kubernetes, such as `250m` or `37.5`, in thousandths. */
const milli = z
  .union([z.string(), z.number()])
  .transform(String)
  .pipe(z.string().regex(/^\d+(\.\d+)?m?$/, 'a quantity such as 250m or 37.5'))
  .transform((text) => (text.endsWith('m') ? Number.parseFloat(text) : Number.parseFloat(text) * 1000));

const rulesOf = (stabilizationWindowSeconds: number, policies: { type: 'Pods' | 'Percent'; value: number }[]) =>
  z
    .object({
      stabilizationWindowSeconds: z.number().default(stabilizationWindowSeconds),
      selectPolicy: z.enum(['Max', 'Min', 'Disabled']).default('Max'),
      policies: z
        .array(z.object({ type: z.enum(['Pods', 'Percent']), value: z.number(), periodSeconds: z.number() }))
        .default(policies.map((policy) => ({ ...policy, periodSeconds: 15 }))),
    })
    .transform(
      (rules): ScalingRules => ({
        stabilizationWindowMs: rules.stabilizationWindowSeconds * 1000,
        selectPolicy: rules.selectPolicy,
        policies: rules.policies.map(({ periodSeconds, ...policy }) => ({ ...policy, periodMs: periodSeconds * 1000 })),
      }),
    );

const cpuMetric = z
  .object({
    type: z.literal('Resource'),
    resource: z.object({
      name: z.literal('cpu'),
      target: z.object({ type: z.literal('Utilization'), averageUtilization: z.number() }),
    }),
  })
  .transform(({ resource }): MetricSpec => ({ type: 'cpu', averageUtilization: resource.target.averageUtilization }));

const externalMetric = z
  .object({
    type: z.literal('External'),
    external: z.object({
      metric: z.object({ name: z.string() }),
      target: z.object({ type: z.literal('AverageValue'), averageValue: milli }),
    }),
  })
  .transform(
    ({ external: { metric, target } }): MetricSpec => ({
      type: 'external',
      name: metric.name,
      averageValue: target.averageValue / 1000,
    }),
  );

/** Defaults are those of the API, except for `behavior`, which has to be there. */
const autoscaler = z.object({
  spec: z.object({
    minReplicas: z.number(),
    maxReplicas: z.number(),
    metrics: z.array(z.union([cpuMetric, externalMetric])),
    behavior: z.object({
      scaleUp: rulesOf(0, [
        { type: 'Pods', value: 4 },
        { type: 'Percent', value: 100 },
      ]),
      scaleDown: rulesOf(300, [{ type: 'Percent', value: 100 }]),
    }),
  }),
});

const container = z.object({
  lifecycle: z.object({ preStop: z.object({ sleep: z.object({ seconds: z.number() }) }) }).optional(),
  resources: z.object({ requests: z.object({ cpu: milli }) }),
});

const deployment = z.object({
  spec: z.object({ template: z.object({ spec: z.object({ containers: z.array(container).min(1) }) }) }),
});

const configMap = z.object({ data: z.record(z.string(), z.string()) });

/** The one object of a kind in a file. */
function readObject<T>(folder: string, file: string, kind: string, schema: z.ZodType<T>): T {
  const path = join(folder, file);
  const objects = parseAllDocuments(readFileSync(path, 'utf8')).map((document) => document.toJS() as unknown);
  const found = objects.filter((object) => z.object({ kind: z.literal(kind) }).safeParse(object).success);
  if (found.length !== 1) throw new Error(`${path}: expected one ${kind}, found ${found.length}`);
  const parsed = schema.safeParse(found[0]);
  if (!parsed.success) throw new Error(`${path}: not as expected\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

function readHpa(folder: string): HpaSpec {
  const { spec } = readObject(folder, 'hpa.yaml', 'HorizontalPodAutoscaler', autoscaler);
  const { behavior, ...rest } = spec;
  if (!rest.metrics.some((metric) => metric.type === 'cpu')) {
    throw new Error(`${join(folder, 'hpa.yaml')}: no Resource metric cpu`);
  }
  if (!rest.metrics.some((metric) => metric.type === 'external' && metric.name === demandMetric)) {
    throw new Error(
      `${join(folder, 'hpa.yaml')}: no External metric ${demandMetric}. By CPU alone pods that wait for models are never added`,
    );
  }
  return { ...rest, ...behavior };
}

/**
 * Reads `hpa.yaml`, `deployment.yaml` and `configmap.yaml`.
 *
 * @throws {Error} that says what is missing, such as the metric of demand
 */
export function readParameters(folder: string): DeploymentParameters {
  const { data } = readObject(folder, 'configmap.yaml', 'ConfigMap', configMap);
  const { spec } = readObject(folder, 'deployment.yaml', 'Deployment', deployment);
  const settings = parseSettings({ ...data, OPENAI_API_KEY: 'sk-1234567890abcdef' });
  const { containers } = spec.template.spec;
  const hookMs = Math.max(...containers.map(({ lifecycle }) => 1000 * (lifecycle?.preStop.sleep.seconds ?? 0)));
  return {
    hpa: readHpa(folder),
    slots: settings.runsMax,
    backgroundSlots: Math.max(1, Math.floor(settings.runsMax * backgroundShare)),
    cpuRequestMillicores: containers.reduce((sum, { resources }) => sum + resources.requests.cpu, 0),
    noticeMs: hookMs + settings.prestopDelayMs,
    graceMs: settings.shutdownGraceMs,
    timeoutMs: settings.runTimeoutMs,
  };
}

/** How many runs for each pod the autoscaler aims at. */
export function demandTarget({ metrics }: HpaSpec): number {
  for (const metric of metrics)
    if (metric.type === 'external' && metric.name === demandMetric) return metric.averageValue;
  throw new Error(`no External metric ${demandMetric}`);
}

/** Where the manifests are that users apply. */
export const manifestsFolder = join(import.meta.dirname, '../../deploy/k8s');
