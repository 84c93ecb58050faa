/** A limit on how fast pods are added or removed: so many pods, or so many percent of them, in each period. */
export type ScalingPolicy = { type: 'Pods' | 'Percent'; value: number; periodMs: number };

/** How an autoscaler may move in one direction; `behavior.scaleUp` or `behavior.scaleDown` of an `autoscaling/v2` object. */
export type ScalingRules = {
  /** For how long a recommendation counts after it was made: the most cautious one of this time is followed. */
  stabilizationWindowMs: number;
  /** Which of several policies counts: the one that allows most, least, or none at all. */
  selectPolicy: 'Max' | 'Min' | 'Disabled';
  policies: ScalingPolicy[];
};

/** What an autoscaler looks at, and what it wants to see for each pod. */
export type MetricSpec =
  | { type: 'cpu' /** Percent of what pods request. */; averageUtilization: number }
  | { type: 'external'; name: string; averageValue: number };

/** A HorizontalPodAutoscaler, as far as it decides. */
export type HpaSpec = {
  minReplicas: number;
  maxReplicas: number;
  metrics: MetricSpec[];
  scaleUp: ScalingRules;
  scaleDown: ScalingRules;
};

/** How often the controller decides, in ms (`--horizontal-pod-autoscaler-sync-period`). */
export const syncPeriodMs = 15_000;
/** By how much of its target a metric may be off without consequence (`--horizontal-pod-autoscaler-tolerance`). */
export const tolerance = 0.1;
/** How long after a pod's start its CPU counts with care, in ms (`--horizontal-pod-autoscaler-cpu-initialization-period`). */
export const cpuInitializationMs = 300_000;
/** Until when a pod that is not ready counts as never having been so, in ms (`--horizontal-pod-autoscaler-initial-readiness-delay`). */
export const initialReadinessDelayMs = 30_000;

/** Whether a ratio of found to wanted is too near to 1 to act. */
export const isTolerable = (ratio: number): boolean => ratio >= 1 - tolerance && ratio <= 1 + tolerance;
