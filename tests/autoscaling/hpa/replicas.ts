import { cpuInitializationMs, initialReadinessDelayMs, isTolerable } from './spec.ts';

/** A pod as the controller sees it. Times are in ms on the clock of the cluster. */
export type ObservedPod = {
  phase: 'Pending' | 'Running' | 'Failed';
  isTerminating: boolean;
  isReady: boolean;
  startedAtMs: number;
  /** When it last became ready or ceased to be. */
  readinessChangedAtMs: number;
  cpuRequestMillicores: number;
  /** What the metrics server knows of it; null before it has been looked at twice. */
  cpu: { usedMillicores: number; takenAtMs: number; windowMs: number } | null;
};

type Group = 'ignored' | 'unready' | 'missing' | 'ready';

/** Whether the CPU of a pod says nothing yet: it starts, or was not ready for all of the time that was measured. */
function isUnready(pod: ObservedPod, cpu: NonNullable<ObservedPod['cpu']>, nowMs: number): boolean {
  if (pod.startedAtMs + cpuInitializationMs > nowMs) {
    return !pod.isReady || cpu.takenAtMs < pod.readinessChangedAtMs + cpu.windowMs;
  }
  return !pod.isReady && pod.startedAtMs + initialReadinessDelayMs > pod.readinessChangedAtMs;
}

function groupOf(pod: ObservedPod, nowMs: number): Group {
  if (pod.isTerminating || pod.phase === 'Failed') return 'ignored';
  if (pod.phase === 'Pending') return 'unready';
  if (pod.cpu === null) return 'missing';
  return isUnready(pod, pod.cpu, nowMs) ? 'unready' : 'ready';
}

type Load = { usedMillicores: number; requestMillicores: number };

/** Used of requested, in whole percent, over what is wanted. Null if nothing was requested. */
function usageRatio(loads: Load[], averageUtilization: number): number | null {
  const used = loads.reduce((sum, load) => sum + load.usedMillicores, 0);
  const requested = loads.reduce((sum, load) => sum + load.requestMillicores, 0);
  return requested === 0 ? null : Math.trunc((used * 100) / requested) / averageUtilization;
}

/** How many pods the CPU calls for, given that nothing is known of some of them. */
function withAssumptions(measured: number, assumed: number, counted: number, currentReplicas: number): number {
  const turnsBack = (measured < 1 && assumed > 1) || (measured > 1 && assumed < 1);
  if (isTolerable(assumed) || turnsBack) return currentReplicas;
  const replicas = Math.ceil(assumed * counted);
  const isOtherWay = (assumed < 1 && replicas > currentReplicas) || (assumed > 1 && replicas < currentReplicas);
  return isOtherWay ? currentReplicas : replicas;
}

/**
 * How many pods the CPU calls for; null if it cannot be told. Pods of which nothing is known count in favour of staying:
 * as idle where pods would be added, as using all they request where pods would be removed; those that start count as
 * idle where pods would be added, and not at all where they would be removed.
 */
export function replicasForCpu(
  pods: ObservedPod[],
  currentReplicas: number,
  averageUtilization: number,
  nowMs: number,
): number | null {
  const groups: Record<Group, Load[]> = { ignored: [], unready: [], missing: [], ready: [] };
  for (const pod of pods) {
    const load = { usedMillicores: pod.cpu?.usedMillicores ?? 0, requestMillicores: pod.cpuRequestMillicores };
    groups[groupOf(pod, nowMs)].push(load);
  }
  const { ready, missing, unready } = groups;
  const measured = usageRatio(ready, averageUtilization);
  if (measured === null) return null;

  const startingCount = measured > 1 ? unready : [];
  if (missing.length === 0 && startingCount.length === 0) {
    return isTolerable(measured) ? currentReplicas : Math.ceil(measured * ready.length);
  }
  const idle = (load: Load): Load => ({ ...load, usedMillicores: 0 });
  const full = (load: Load): Load => ({
    ...load,
    usedMillicores: (load.requestMillicores * Math.max(100, averageUtilization)) / 100,
  });
  // At exactly 1 nothing is assumed of pods that are missing: they are left out, as the controller leaves them out.
  const assumedMissing = measured < 1 ? missing.map(full) : measured > 1 ? missing.map(idle) : [];
  const counted = [...ready, ...assumedMissing, ...startingCount.map(idle)];
  const assumed = usageRatio(counted, averageUtilization) ?? measured;
  return withAssumptions(measured, assumed, counted.length, currentReplicas);
}

/**
 * How many pods an external metric with a target for each pod calls for. Pods that are not ready count as pods, since the
 * metric knows of none. Null if there is no value.
 */
export function replicasForExternal(
  value: number | null,
  currentReplicas: number,
  averageValue: number,
): number | null {
  if (value === null) return null;
  const ratio = value / (averageValue * currentReplicas);
  return isTolerable(ratio) ? currentReplicas : Math.ceil(value / averageValue);
}
