import { createBehavior } from './behavior.ts';
import { type ObservedPod, replicasForCpu, replicasForExternal } from './replicas.ts';
import type { HpaSpec, MetricSpec } from './spec.ts';

/** What an autoscaler sees when it decides. */
export type Observation = {
  /** Pods that are wanted now. */
  currentReplicas: number;
  pods: ObservedPod[];
  /** The value of an external metric, all pods together; null if it is not known. */
  external(name: string): number | null;
};

/**
 * A model of the HorizontalPodAutoscaler of Kubernetes (`autoscaling/v2`), written from its documentation
 * (kubernetes.io, "Horizontal Pod Autoscaling", "Algorithm details") and compared, row by row, with what the tests of the
 * controller expect (k8s.io/kubernetes v1.36.3, pkg/controller/podautoscaler). Scaling to zero is not part of it.
 */
export function createAutoscaler(spec: HpaSpec) {
  const behavior = createBehavior(spec);

  function replicasFor(metric: MetricSpec, seen: Observation, nowMs: number): number | null {
    if (metric.type === 'cpu') {
      return replicasForCpu(seen.pods, seen.currentReplicas, metric.averageUtilization, nowMs);
    }
    return replicasForExternal(seen.external(metric.name), seen.currentReplicas, metric.averageValue);
  }

  /** The most that any metric calls for. Null if none is known, or if one is not and the others would remove pods. */
  function recommend(seen: Observation, nowMs: number): number | null {
    const proposals = spec.metrics.map((metric) => replicasFor(metric, seen, nowMs));
    const known = proposals.filter((replicas) => replicas !== null);
    if (known.length === 0) return null;
    const most = Math.max(...known);
    return known.length < proposals.length && most < seen.currentReplicas ? null : most;
  }

  function decide(seen: Observation, nowMs: number): number {
    const { currentReplicas } = seen;
    if (currentReplicas > spec.maxReplicas) return spec.maxReplicas;
    if (currentReplicas < spec.minReplicas) return spec.minReplicas;
    const recommended = recommend(seen, nowMs);
    if (recommended === null) return currentReplicas;
    return behavior.limit(currentReplicas, behavior.stabilize(currentReplicas, recommended, nowMs), nowMs);
  }

  return {
    /** Decides once; to be called every `syncPeriodMs`. Returns how many pods there should be. */
    sync(seen: Observation, nowMs: number): number {
      behavior.begin(seen.currentReplicas, nowMs);
      const replicas = decide(seen, nowMs);
      if (replicas !== seen.currentReplicas) behavior.record(seen.currentReplicas, replicas, nowMs);
      return replicas;
    },
  };
}
