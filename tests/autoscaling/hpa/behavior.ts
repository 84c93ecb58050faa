import type { HpaSpec, ScalingRules } from './spec.ts';

type Dated = { atMs: number };
type Recommendation = Dated & { replicas: number };
/** Pods that were added or removed; always counted upwards. */
type Change = Dated & { pods: number };

const longestPeriodMs = ({ policies }: ScalingRules) => Math.max(0, ...policies.map(({ periodMs }) => periodMs));

/** Pods of the changes that are younger than a period. */
const changedWithin = (changes: Change[], periodMs: number, nowMs: number) =>
  changes.filter(({ atMs }) => atMs > nowMs - periodMs).reduce((sum, { pods }) => sum + pods, 0);

/**
 * Adds a change in place of one that is older than all periods of its direction, as the controller does: one that the
 * longer periods of the other direction would still count may be lost by that.
 */
function keep(changes: Change[], rules: ScalingRules, change: Change): void {
  const outdated = changes.findLastIndex(({ atMs }) => atMs < change.atMs - longestPeriodMs(rules));
  if (outdated === -1) changes.push(change);
  else changes[outdated] = change;
}

/**
 * What keeps an autoscaler from following each of its figures: windows over its recommendations, and limits on how many
 * pods change in a period. It remembers what was recommended, and what was done.
 */
export function createBehavior({ minReplicas, maxReplicas, scaleUp, scaleDown }: HpaSpec) {
  let recommendations: Recommendation[] = [];
  const added: Change[] = [];
  const removed: Change[] = [];

  /** The number of pods at which the policies of one direction say stop. */
  function limitOf(rules: ScalingRules, direction: 1 | -1, current: number, nowMs: number): number {
    if (rules.selectPolicy === 'Disabled') return current;
    const limits = rules.policies.map(({ type, value, periodMs }) => {
      const atStart = current - changedWithin(added, periodMs, nowMs) + changedWithin(removed, periodMs, nowMs);
      if (type === 'Pods') return atStart + direction * value;
      const percent = atStart * (1 + (direction * value) / 100);
      // Rounded so that a small percentage of few pods can still add one.
      return direction === 1 ? Math.ceil(percent) : Math.trunc(percent);
    });
    const widest = rules.selectPolicy === 'Max' ? direction : -direction;
    return widest === 1 ? Math.max(...limits) : Math.min(...limits);
  }

  return {
    /** Begins with what is there, so that a controller that was just started removes nothing at once. */
    begin(current: number, nowMs: number): void {
      if (recommendations.length === 0) recommendations = [{ replicas: current, atMs: nowMs }];
    },

    /** The recommendation nearest to what is there that all of the two windows agree to. */
    stabilize(current: number, desired: number, nowMs: number): number {
      const within = (windowMs: number) =>
        recommendations.filter(({ atMs }) => atMs > nowMs - windowMs).map(({ replicas }) => replicas);
      const least = Math.min(desired, ...within(scaleUp.stabilizationWindowMs));
      const most = Math.max(desired, ...within(scaleDown.stabilizationWindowMs));
      const longestMs = Math.max(scaleUp.stabilizationWindowMs, scaleDown.stabilizationWindowMs);
      recommendations = recommendations.filter(({ atMs }) => atMs > nowMs - longestMs);
      recommendations.push({ replicas: desired, atMs: nowMs });
      return Math.min(Math.max(current, least), most);
    },

    /** As many of the wanted pods as the policies, the minimum and the maximum allow. */
    limit(current: number, desired: number, nowMs: number): number {
      if (desired > current) {
        return Math.min(desired, maxReplicas, Math.max(current, limitOf(scaleUp, 1, current, nowMs)));
      }
      if (desired < current) {
        return Math.max(desired, minReplicas, Math.min(current, limitOf(scaleDown, -1, current, nowMs)));
      }
      return desired;
    },

    /** Remembers that the number of pods was changed. */
    record(from: number, to: number, nowMs: number): void {
      if (to > from) keep(added, scaleUp, { pods: to - from, atMs: nowMs });
      if (to < from) keep(removed, scaleDown, { pods: from - to, atMs: nowMs });
    },
  };
}

/** The brakes of an autoscaler. */
export type Behavior = ReturnType<typeof createBehavior>;
