import { describe, expect, test } from 'vitest';
import { createAutoscaler, type Observation } from './autoscaler.ts';
import type { ObservedPod } from './replicas.ts';
import { type HpaSpec, syncPeriodMs } from './spec.ts';

// Rows on missing metrics: TestScaleUpOneMetricEmpty and TestNoScaleDownOneMetricEmpty in horizontal_test.go of
// k8s.io/kubernetes v1.36.3.

const unlimited = {
  stabilizationWindowMs: 0,
  selectPolicy: 'Max',
  policies: [{ type: 'Percent', value: 100, periodMs: 15_000 }],
} as const;
const spec = (change: Partial<HpaSpec> = {}): HpaSpec => ({
  minReplicas: 2,
  maxReplicas: 6,
  metrics: [
    { type: 'cpu', averageUtilization: 50 },
    { type: 'external', name: 'demand', averageValue: 10 },
  ],
  scaleUp: { ...unlimited, policies: [...unlimited.policies] },
  scaleDown: { ...unlimited, policies: [...unlimited.policies] },
  ...change,
});

const nowMs = 3_600_000;
const pod = (usedMillicores: number | null): ObservedPod => ({
  phase: 'Running',
  isTerminating: false,
  isReady: true,
  startedAtMs: 0,
  readinessChangedAtMs: 10_000,
  cpuRequestMillicores: 1_000,
  cpu: usedMillicores === null ? null : { usedMillicores, takenAtMs: nowMs, windowMs: 15_000 },
});

const seen = (used: (number | null)[], demand: number | null): Observation => ({
  currentReplicas: used.length,
  pods: used.map(pod),
  external: (name) => (name === 'demand' ? demand : null),
});

describe('an autoscaler with two metrics', () => {
  test.each([
    { name: 'follows the one that calls for more: demand', observed: seen([500, 500, 500], 45), expected: 5 },
    { name: 'follows the one that calls for more: CPU', observed: seen([800, 800, 800], 5), expected: 5 },
    { name: 'adds by one if the other is not known', observed: seen([800, 800, 800], null), expected: 5 },
    { name: 'adds by the other if the one is not known', observed: seen([null, null, null], 45), expected: 5 },
    { name: 'removes none if one of them is not known', observed: seen([100, 300, 500, 250, 250], null), expected: 5 },
    { name: 'removes if both call for less', observed: seen([100, 300, 500, 250, 250], 20), expected: 3 },
    { name: 'stays if none is known', observed: seen([null, null, null], null), expected: 3 },
    { name: 'keeps the minimum', observed: seen([10, 10, 10], 0), expected: 2 },
    { name: 'keeps the maximum', observed: seen([900, 900, 900, 900, 900], 500), expected: 6 },
    { name: 'goes to the minimum from below without a look at metrics', observed: seen([900], 500), expected: 2 },
    {
      name: 'goes to the maximum from above without a look at metrics',
      observed: seen(Array(7).fill(900), 500),
      expected: 6,
    },
  ])('$name', ({ observed, expected }) => {
    expect(createAutoscaler(spec()).sync(observed, nowMs)).toBe(expected);
  });
});

test('it removes only after its window, and then no faster than its policy', () => {
  const autoscaler = createAutoscaler(
    spec({
      maxReplicas: 20,
      scaleDown: {
        stabilizationWindowMs: 300_000,
        selectPolicy: 'Max',
        policies: [{ type: 'Pods', value: 2, periodMs: 120_000 }],
      },
    }),
  );
  const sizes: number[] = [];
  let current = 10;
  for (let atMs = nowMs; atMs < nowMs + 600_000; atMs += syncPeriodMs) {
    const demand = atMs === nowMs ? 100 : 20;
    current = autoscaler.sync(seen(Array(current).fill(10), demand), atMs);
    sizes.push(current);
  }
  const changes = sizes.flatMap((size, at) =>
    size === sizes[at - 1] ? [] : [{ size, seconds: (at * syncPeriodMs) / 1_000 }],
  );
  expect(changes).toEqual([
    { size: 10, seconds: 0 },
    { size: 8, seconds: 300 },
    { size: 6, seconds: 420 },
    { size: 4, seconds: 540 },
  ]);
});
