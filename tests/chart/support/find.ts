import assert from 'node:assert/strict';
import type { KubernetesObject } from '../../../scripts/chart/helm.ts';
import { type Container, type Pod, podOf } from './release-rules.ts';

/** An object whose fields the test knows. */
// biome-ignore lint/suspicious/noExplicitAny: each test knows the shape of what it looks at, and the schemas were checked
export type Loose = any;

/** The object of that kind and name. The name defaults to agent-service. */
export function find(objects: readonly KubernetesObject[], kind: string, name = 'agent-service'): Loose {
  const found = objects.find((object) => object.kind === kind && object.metadata.name === name);
  assert(
    found,
    `the release has no ${kind} ${name}, but ${objects.map((o) => `${o.kind} ${o.metadata.name}`).join(', ')}`,
  );
  return found;
}

/** The names of the objects of that kind. */
export const namesOf = (objects: readonly KubernetesObject[], kind: string): string[] =>
  objects.filter((object) => object.kind === kind).map(({ metadata }) => metadata.name);

/** The pod that the object of that kind and name makes. The name defaults to agent-service. */
export function findPod(objects: readonly KubernetesObject[], kind = 'Deployment', name = 'agent-service'): Pod {
  const pod = podOf(find(objects, kind, name));
  assert(pod, `a ${kind} makes no pod`);
  return pod;
}

/** The container of that name, of a pod. Defaults to the first. */
export function containerOf({ spec }: Pod, name?: string): Container {
  const found = name === undefined ? spec.containers[0] : spec.containers.find((container) => container.name === name);
  assert(found, `the pod has no container ${name}`);
  return found;
}

/** The environment of a container, from what the release has: values, ConfigMaps, and Secrets that it makes. */
export function environmentOf(
  objects: readonly KubernetesObject[],
  { env = [], envFrom = [] }: Container,
): Record<string, string> {
  const secretOf = (name: string): Record<string, string> =>
    objects.some(({ kind, metadata }) => kind === 'Secret' && metadata.name === name)
      ? find(objects, 'Secret', name).stringData
      : {};
  const all: Record<string, string> = {};
  for (const { configMapRef, secretRef } of envFrom) {
    if (configMapRef) Object.assign(all, find(objects, 'ConfigMap', configMapRef.name).data);
    if (secretRef) Object.assign(all, secretOf(secretRef.name));
  }
  for (const { name, value, valueFrom } of env) {
    const secret = valueFrom?.secretKeyRef;
    const found = value ?? (secret && secretOf(secret.name)[secret.key]);
    if (found !== undefined) all[name] = found;
  }
  return all;
}
