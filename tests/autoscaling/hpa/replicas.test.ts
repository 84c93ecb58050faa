import { describe, expect, test } from 'vitest';
import { type ObservedPod, replicasForCpu, replicasForExternal } from './replicas.ts';

// The expectations are those of the controller's own tests (replica_calculator_test.go of k8s.io/kubernetes v1.36.3), and
// of the examples in its documentation; the rows are ours.

const nowMs = 3_600_000;
const requestMillicores = 1_000;

/** A pod that has been ready for long and uses so much. */
function steady(usedMillicores: number | null, change: Partial<ObservedPod> = {}): ObservedPod {
  return {
    phase: 'Running',
    isTerminating: false,
    isReady: true,
    startedAtMs: 0,
    readinessChangedAtMs: 10_000,
    cpuRequestMillicores: requestMillicores,
    cpu: usedMillicores === null ? null : { usedMillicores, takenAtMs: nowMs, windowMs: 15_000 },
    ...change,
  };
}

const isStarting = { startedAtMs: nowMs - 20_000, readinessChangedAtMs: nowMs - 20_000, isReady: false };
const isJustReady = { startedAtMs: nowMs - 20_000, readinessChangedAtMs: nowMs - 5_000 };
const isFresh = { startedAtMs: nowMs - 60_000, readinessChangedAtMs: nowMs - 50_000 };
const neverReady = { startedAtMs: 0, readinessChangedAtMs: 0, isReady: false };
const lostReadiness = { startedAtMs: 0, readinessChangedAtMs: nowMs - 5_000, isReady: false };
const isPending = { phase: 'Pending', isReady: false } as const;
const isTerminating = { isTerminating: true };
const hasFailed = { phase: 'Failed', isReady: false } as const;

type Row = { name: string; pods: ObservedPod[]; current?: number; target: number; expected: number | null };

const rows: Row[] = [
  { name: 'adds pods above the target', pods: [300, 500, 700].map((used) => steady(used)), target: 30, expected: 5 },
  {
    name: 'doubles the pods at twice the target',
    pods: [200, 200].map((used) => steady(used)),
    target: 10,
    expected: 4,
  },
  {
    name: 'halves the pods at half the target',
    pods: [50, 50].map((used) => steady(used)),
    target: 10,
    expected: 1,
  },
  {
    name: 'removes pods below the target',
    pods: [100, 300, 500, 250, 250].map((used) => steady(used)),
    target: 50,
    expected: 3,
  },
  {
    name: 'stays within the tolerance',
    pods: [1_010, 1_030, 1_020].map((used) => steady(used)),
    target: 100,
    expected: 3,
  },
  {
    name: 'stays at the very edge of the tolerance',
    pods: [1_100, 1_100].map((used) => steady(used)),
    target: 100,
    expected: 2,
  },
  {
    name: 'acts just beyond the tolerance',
    pods: [1_110, 1_110].map((used) => steady(used)),
    target: 100,
    expected: 3,
  },
  {
    name: 'cuts percents off, and so stays where a fraction would act',
    pods: [1_109, 1_109].map((used) => steady(used)),
    target: 100,
    expected: 2,
  },
  {
    name: 'adds less while a pod starts, since that one counts as idle',
    pods: [steady(300, isStarting), steady(500), steady(700)],
    target: 30,
    expected: 4,
  },
  {
    name: 'adds less while the figures of a pod reach back to before it was ready',
    pods: [steady(300, isJustReady), steady(500), steady(700)],
    target: 30,
    expected: 4,
  },
  {
    name: 'counts a young pod once it was ready for as long as was measured',
    pods: [steady(300, isFresh), steady(500), steady(700)],
    target: 30,
    expected: 5,
  },
  {
    name: 'adds none if those that start will do',
    pods: [steady(400), steady(500, isStarting), steady(700, isStarting)],
    target: 30,
    expected: 3,
  },
  {
    name: 'leaves out an old pod that was never ready when it removes',
    pods: [steady(100), steady(300), steady(500), steady(250, neverReady), steady(250, neverReady)],
    target: 50,
    expected: 2,
  },
  {
    name: 'counts an old pod that was ready once',
    pods: [steady(300, lostReadiness), steady(500), steady(700)],
    target: 30,
    expected: 5,
  },
  {
    name: 'leaves out pods that start when it removes',
    pods: [steady(100), steady(300), steady(500), steady(250, isStarting), steady(250, isStarting)],
    target: 50,
    expected: 2,
  },
  {
    name: 'leaves out pods without a node when it removes',
    pods: [steady(100), ...Array.from({ length: 4 }, () => steady(null, isPending))],
    target: 50,
    expected: 1,
  },
  {
    name: 'leaves out pods that failed',
    pods: [steady(500), steady(700), steady(null, hasFailed), steady(null, hasFailed)],
    current: 2,
    target: 30,
    expected: 4,
  },
  {
    name: 'leaves out pods that end, however much they use',
    pods: [
      ...[100, 300, 500, 250, 250].map((used) => steady(used)),
      steady(900, isTerminating),
      steady(900, isTerminating),
    ],
    current: 5,
    target: 50,
    expected: 3,
  },
  {
    name: 'takes a pod without figures as using all it requests when it removes',
    pods: [steady(400), steady(95), steady(null), steady(null)],
    target: 100,
    expected: 3,
  },
  {
    name: 'takes a pod without figures as idle when it adds, and stays if that turns the direction',
    pods: [steady(1_900), steady(null)],
    target: 100,
    expected: 2,
  },
  { name: 'stays on target with a pod without figures', pods: [steady(1_000), steady(null)], target: 100, expected: 2 },
  {
    name: 'stays below the target if a pod without figures could use the rest',
    pods: [steady(600), steady(null)],
    target: 100,
    expected: 2,
  },
  {
    name: 'adds by those that have figures, against one that starts and has none',
    pods: [steady(null, isPending), steady(100), steady(2_000)],
    target: 50,
    expected: 5,
  },
  {
    name: 'counts both a pod that starts and one without figures as idle when it adds',
    pods: [steady(100, isStarting), steady(2_000), steady(null)],
    target: 50,
    expected: 4,
  },
  {
    name: 'removes by those that have figures, without one that starts',
    pods: [steady(100, isStarting), steady(100), steady(100), steady(null)],
    target: 50,
    expected: 3,
  },
  { name: 'cannot tell without any figures', pods: [steady(null), steady(null)], target: 50, expected: null },
  { name: 'cannot tell while all pods start', pods: [steady(300, isStarting)], target: 50, expected: null },
  {
    name: 'cannot tell where pods request no CPU',
    pods: [steady(300, { cpuRequestMillicores: 0 })],
    target: 50,
    expected: null,
  },
];

describe('the number of pods by CPU', () => {
  test.each(rows)('$name', ({ pods, current = pods.length, target, expected }) => {
    expect(replicasForCpu(pods, current, target, nowMs)).toBe(expected);
  });
});

describe('the number of pods by an external metric with a value for each pod', () => {
  test.each([
    { name: 'adds pods above the target', value: 8_600, current: 3, target: 2_150, expected: 4 },
    { name: 'removes pods below the target', value: 8_600, current: 5, target: 2_867, expected: 3 },
    { name: 'stays within the tolerance', value: 8_600, current: 3, target: 2_900, expected: 3 },
    { name: 'calls for none at zero', value: 0, current: 3, target: 37.5, expected: 0 },
    { name: 'adds a pod for each 37.5 runs begun', value: 113, current: 2, target: 37.5, expected: 4 },
    { name: 'is not told without a value', value: null, current: 3, target: 37.5, expected: null },
  ])('$name', ({ value, current, target, expected }) => {
    expect(replicasForExternal(value, current, target)).toBe(expected);
  });
});
