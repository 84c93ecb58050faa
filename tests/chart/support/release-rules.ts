import { isDeepStrictEqual } from 'node:util';
import type { KubernetesObject } from '../../../scripts/chart/helm.ts';

type Labels = Record<string, string>;
type Named = { name: string };
type Selector = {
  matchLabels?: Labels;
  matchExpressions?: { key: string; operator: string; values: string[] }[];
};

/** A container, as far as the tests look at it. */
export type Container = Named & {
  image: string;
  command?: string[];
  args?: string[];
  env?: (Named & { value?: string; valueFrom?: { secretKeyRef?: Named & { key: string } } })[];
  envFrom?: { configMapRef?: Named; secretRef?: Named }[];
  ports?: (Named & { containerPort: number })[];
  lifecycle?: { preStop: { sleep: { seconds: number } } };
  resources: { requests: Record<string, string>; limits: Record<string, string | number> };
  securityContext: Record<string, unknown>;
  volumeMounts: (Named & { mountPath: string; readOnly?: boolean })[];
} & Record<'livenessProbe' | 'readinessProbe' | 'startupProbe', Record<string, unknown> | undefined>;

/** The pod of a workload, as far as the tests look at it. */
export type Pod = {
  labels: Labels;
  annotations: Labels;
  spec: {
    containers: Container[];
    serviceAccountName?: string;
    automountServiceAccountToken: boolean;
    enableServiceLinks: boolean;
    terminationGracePeriodSeconds?: number;
    securityContext: Record<string, unknown>;
    volumes: (Named & { persistentVolumeClaim?: { claimName: string }; emptyDir?: Record<string, unknown> })[];
    [field: string]: unknown;
  };
};

type Workload = { spec: { template: { metadata: { labels: Labels; annotations?: Labels }; spec: Pod['spec'] } } };

/** The pod that an object makes; null for an object that makes none. */
export function podOf(object: KubernetesObject): Pod | null {
  if (object.kind === 'Pod') {
    const { labels = {}, annotations = {} } = object.metadata;
    return { labels, annotations, spec: object.spec as Pod['spec'] };
  }
  if (!['Deployment', 'StatefulSet', 'Job'].includes(object.kind)) return null;
  const { metadata, spec } = (object as unknown as Workload).spec.template;
  return { labels: metadata.labels, annotations: metadata.annotations ?? {}, spec };
}

const pods = (objects: readonly KubernetesObject[]) =>
  objects.flatMap((object) => {
    const pod = podOf(object);
    return pod ? [{ owner: `${object.kind} ${object.metadata.name}`, object, pod }] : [];
  });

const selects = ({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Labels) =>
  Object.entries(matchLabels).every(([name, value]) => labels[name] === value) &&
  matchExpressions.every(({ key, values }) => values.includes(labels[key] ?? ''));

const restricted = {
  pod: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
  container: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, readOnlyRootFilesystem: true },
};

const holds = (found: Record<string, unknown>, wanted: Record<string, unknown>) =>
  Object.entries(wanted).every(([name, value]) => isDeepStrictEqual(found[name], value));

/** Pod Security "restricted", a read-only root file system, no token, no links, and bounds for memory. */
export function unsafePods(objects: readonly KubernetesObject[]): string[] {
  return pods(objects).flatMap(({ owner, pod: { spec } }) => [
    ...(holds(spec.securityContext, restricted.pod) ? [] : [`${owner}: its securityContext`]),
    ...(spec.automountServiceAccountToken === false ? [] : [`${owner}: has a token`]),
    ...(spec.enableServiceLinks === false ? [] : [`${owner}: has service links`]),
    ...['hostNetwork', 'hostPID', 'hostIPC'].flatMap((name) => (spec[name] ? [`${owner}: ${name}`] : [])),
    ...spec.containers.flatMap(({ name, image, securityContext, resources }) => [
      ...(holds(securityContext, restricted.container) ? [] : [`${owner}, ${name}: its securityContext`]),
      ...(resources.limits.memory && resources.requests.cpu ? [] : [`${owner}, ${name}: no bounds`]),
      ...(/@sha256:|:(?!latest$)[\w.-]+$/.test(image) ? [] : [`${owner}, ${name}: its image is ${image}`]),
    ]),
  ]);
}

/** Names that are no DNS labels, are too long, or stand for two objects; and objects outside of the namespace. */
export function wrongNames(objects: readonly KubernetesObject[], namespace: string): string[] {
  const seen = new Set<string>();
  return objects.flatMap(({ kind, metadata: { name, namespace: own } }) => {
    const id = `${kind} ${name}`;
    const isTwice = seen.has(id);
    seen.add(id);
    return [
      ...(/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name) ? [] : [`${id}: no name`]),
      ...(isTwice ? [`${id}: twice`] : []),
      ...(own === namespace ? [] : [`${id}: in ${own}`]),
    ];
  });
}

/** What an object names and the release does not have. `given`: what is there already, as `Kind name`. */
export function danglingNames(objects: readonly KubernetesObject[], given: readonly string[]): string[] {
  const isHook = (object: KubernetesObject) =>
    /pre-(install|upgrade)/.test(object.metadata.annotations?.['helm.sh/hook'] ?? '');
  return pods(objects).flatMap(({ owner, object, pod: { spec } }) => {
    // What runs before the release may name only what runs before it too.
    const known = new Set([...given, ...objects.filter((other) => !isHook(object) || isHook(other)).flatMap(provides)]);
    const named = [
      ...(spec.serviceAccountName === undefined ? [] : [`ServiceAccount ${spec.serviceAccountName}`]),
      ...spec.volumes.flatMap(({ persistentVolumeClaim: claim }) =>
        claim ? [`PersistentVolumeClaim ${claim.claimName}`] : [],
      ),
      ...spec.containers.flatMap(({ env = [], envFrom = [] }) => [
        ...envFrom.map(
          ({ configMapRef, secretRef }) =>
            `${configMapRef ? 'ConfigMap' : 'Secret'} ${(configMapRef ?? secretRef)?.name}`,
        ),
        ...env.flatMap(({ valueFrom }) => (valueFrom?.secretKeyRef ? [`Secret ${valueFrom.secretKeyRef.name}`] : [])),
      ]),
    ];
    return named.filter((name) => !known.has(name)).map((name) => `${owner} names ${name}`);
  });
}

/** What an object brings, by kind and name; an ExternalSecret makes a Secret. */
const provides = ({ kind, metadata: { name } }: KubernetesObject) =>
  kind === 'ExternalSecret' ? [`Secret ${name}`] : [`${kind} ${name}`];

/** Selectors that select no pod of the release, and ports that no such pod has. */
export function emptySelectors(objects: readonly KubernetesObject[]): string[] {
  const all = pods(objects);
  const selected = (selector: Selector) => all.filter(({ pod }) => selects(selector, pod.labels));
  return objects.flatMap((object) => {
    const owner = `${object.kind} ${object.metadata.name}`;
    const spec = object.spec as Record<string, unknown>;
    if (object.kind === 'Service') {
      const found = selected({ matchLabels: spec.selector as Labels });
      const ports = found.flatMap(({ pod }) =>
        pod.spec.containers.flatMap(({ ports = [] }) => ports.map(({ name }) => name)),
      );
      const missing = (spec.ports as { targetPort: string }[]).filter(({ targetPort }) => !ports.includes(targetPort));
      return missing.map(({ targetPort }) => `${owner}: no pod has ${targetPort}`);
    }
    const selector = (object.kind === 'NetworkPolicy' ? spec.podSelector : spec?.selector) as Selector | undefined;
    if (['NetworkPolicy', 'PodDisruptionBudget', 'PodMonitor', 'Deployment', 'StatefulSet'].includes(object.kind)) {
      return selector && selected(selector).length > 0 ? [] : [`${owner} selects no pod`];
    }
    if (object.kind === 'ServiceMonitor') {
      const services = objects.filter(
        ({ kind, metadata }) => kind === 'Service' && selects(selector ?? {}, metadata.labels ?? {}),
      );
      return services.length === 1 ? [] : [`${owner} selects ${services.length} Services`];
    }
    return [];
  });
}

/** Deployments that have more than one autoscaler, and autoscalers of what is not there. */
export function wrongAutoscalers(objects: readonly KubernetesObject[]): string[] {
  const targets = objects
    .filter(({ kind }) => kind === 'HorizontalPodAutoscaler' || kind === 'ScaledObject')
    .map((object) => (object.spec as { scaleTargetRef: Named }).scaleTargetRef.name);
  const deployments = objects.filter(({ kind }) => kind === 'Deployment').map(({ metadata }) => metadata.name);
  return targets.filter((name, index) => targets.indexOf(name) !== index || !deployments.includes(name));
}
