import { describe, expect, test } from 'vitest';
import { createBehavior } from './behavior.ts';
import type { HpaSpec, ScalingPolicy, ScalingRules } from './spec.ts';

// The expectations are those of the controller's own tests (TestScalingWithRules, TestNormalizeDesiredReplicasWithBehavior,
// TestCalculateScale…Limit… in horizontal_test.go of k8s.io/kubernetes v1.36.3); the rows are ours.

const nowMs = 36_000_000;
const secondMs = 1_000;
const minuteMs = 60_000;

const pods = (value: number, seconds: number): ScalingPolicy => ({
  type: 'Pods',
  value,
  periodMs: seconds * secondMs,
});
const percent = (value: number, seconds: number): ScalingPolicy => ({ ...pods(value, seconds), type: 'Percent' });
const rules = (policies: ScalingPolicy[], rest: Partial<ScalingRules> = {}): ScalingRules => ({
  stabilizationWindowMs: 0,
  selectPolicy: 'Max',
  policies,
  ...rest,
});
const spec = (change: Partial<HpaSpec>): HpaSpec => ({
  minReplicas: 1,
  maxReplicas: 1_000,
  metrics: [],
  scaleUp: rules([pods(4, 15), percent(100, 15)]),
  scaleDown: rules([percent(100, 15)]),
  ...change,
});

/** Changes in the middle of each of as many equal parts of the last `seconds`. */
const spread = (changes: number[], seconds: number) =>
  changes.map((change, index) => ({ change, agoMs: seconds * secondMs * (1 - (index + 0.5) / changes.length) }));

type Row = {
  name: string;
  up?: ScalingRules;
  down?: ScalingRules;
  min?: number;
  max?: number;
  added?: { change: number; agoMs: number }[];
  removed?: { change: number; agoMs: number }[];
  current: number;
  desired: number;
  expected: number;
};

const minChange = { selectPolicy: 'Min' } as const;
const disabled = { selectPolicy: 'Disabled' } as const;

const limited: Row[] = [
  { name: 'follows within the range', min: 3, max: 8, current: 5, desired: 7, expected: 7 },
  { name: 'keeps the minimum', min: 2, max: 8, current: 3, desired: 1, expected: 2 },
  { name: 'keeps the maximum', min: 100, max: 150, current: 100, desired: 1_000, expected: 150 },
  { name: 'doubles at most, by default', current: 10, desired: 50, expected: 20 },
  { name: 'adds four at least, by default', current: 1, desired: 50, expected: 5 },
  { name: 'adds by pods', up: rules([pods(30, 60)]), current: 10, desired: 50, expected: 40 },
  { name: 'adds by percent', up: rules([percent(200, 60)]), current: 10, desired: 50, expected: 30 },
  { name: 'rounds percents up', up: rules([percent(10, 60)]), current: 3, desired: 50, expected: 4 },
  {
    name: 'takes the policy that adds most: pods',
    up: rules([pods(100, 60), percent(100, 60)]),
    current: 10,
    desired: 500,
    expected: 110,
  },
  {
    name: 'takes the policy that adds most: percent',
    up: rules([pods(2, 60), percent(100, 60)]),
    current: 10,
    desired: 500,
    expected: 20,
  },
  {
    name: 'takes the policy that adds least, if configured so',
    up: rules([pods(2, 60), percent(50, 60)], minChange),
    current: 1,
    desired: 500,
    expected: 2,
  },
  {
    name: 'adds none where adding is off',
    up: rules([pods(30, 60)], disabled),
    current: 10,
    desired: 50,
    expected: 10,
  },
  {
    name: 'counts what was added in the period: pods',
    up: rules([pods(150, 120)]),
    added: spread([1, 5, 9], 120),
    current: 100,
    desired: 500,
    expected: 235,
  },
  {
    name: 'counts what was added in the period: percent',
    up: rules([percent(200, 120)]),
    added: spread([1, 5, 9], 120),
    current: 100,
    desired: 500,
    expected: 255,
  },
  {
    name: 'adds none if more than the policy allows was added in the period',
    up: rules([pods(5, 120)]),
    added: spread([1, 5, 9], 120),
    current: 100,
    desired: 500,
    expected: 100,
  },
  {
    name: 'forgets what was added before the period',
    up: rules([pods(4, 60)]),
    added: [{ change: 4, agoMs: 60_000 }],
    current: 6,
    desired: 20,
    expected: 10,
  },
  { name: 'removes by pods', down: rules([pods(5, 60)]), current: 10, desired: 2, expected: 5 },
  { name: 'removes by percent', down: rules([percent(50, 60)]), current: 10, desired: 5, expected: 5 },
  {
    name: 'takes the policy that removes most: pods',
    down: rules([pods(20, 60), percent(1, 60)]),
    current: 100,
    desired: 2,
    expected: 80,
  },
  {
    name: 'takes the policy that removes most: percent',
    down: rules([pods(1, 60), percent(2, 60)]),
    current: 100,
    desired: 2,
    expected: 98,
  },
  {
    name: 'takes the policy that removes least, if configured so',
    down: rules([pods(2, 60), percent(50, 60)], minChange),
    current: 5,
    desired: 1,
    expected: 3,
  },
  {
    name: 'removes none where removing is off',
    down: rules([pods(5, 60)], disabled),
    current: 10,
    desired: 2,
    expected: 10,
  },
  {
    name: 'keeps the minimum however much may go',
    down: rules([pods(100, 60)]),
    min: 5,
    current: 10,
    desired: 2,
    expected: 5,
  },
  {
    name: 'counts what was removed in the period: pods',
    down: rules([pods(5, 120)]),
    removed: spread([1, 5, 9], 120),
    current: 100,
    desired: 2,
    expected: 100,
  },
  {
    name: 'counts what was removed in the period: percent',
    down: rules([percent(50, 120)]),
    removed: spread([2, 4, 6], 120),
    current: 100,
    desired: 1,
    expected: 56,
  },
  {
    name: 'counts what was added and removed in the period',
    down: rules([percent(50, 180)]),
    added: spread([2], 120),
    removed: spread([4], 120),
    current: 10,
    desired: 1,
    expected: 6,
  },
  {
    name: 'removes none if more than the policy allows was removed in the period',
    down: rules([percent(10, 120)]),
    removed: spread([10, 10, 10], 120),
    current: 100,
    desired: 1,
    expected: 100,
  },
  {
    name: 'looks at the period of each policy alone',
    down: rules([pods(1_000, 30), percent(100, 60)]),
    removed: spread([8, 12, 9, 11], 120),
    current: 100,
    desired: 5,
    expected: 5,
  },
];

describe('policies', () => {
  test.each(limited)(
    '$name',
    ({ up, down, min = 1, max = 1_000, added = [], removed = [], current, desired, expected }) => {
      const behavior = createBehavior(
        spec({ minReplicas: min, maxReplicas: max, ...(up && { scaleUp: up }), ...(down && { scaleDown: down }) }),
      );
      for (const { change, agoMs } of added) behavior.record(0, change, nowMs - agoMs);
      for (const { change, agoMs } of removed) behavior.record(change, 0, nowMs - agoMs);
      expect(behavior.limit(current, desired, nowMs)).toBe(expected);
    },
  );
});

test('a change takes the place of one that no policy of its direction counts any more, though one of the other would', () => {
  const scaleUp = rules([pods(100, 15)]);
  const scaleDown = rules([pods(2, 120)]);
  const changed = createBehavior(spec({ scaleUp, scaleDown }));
  changed.record(10, 14, nowMs - 30 * secondMs);
  expect(changed.limit(14, 5, nowMs)).toBe(8);
  changed.record(14, 15, nowMs);
  expect(changed.limit(15, 5, nowMs)).toBe(12);
});

const stabilized = [
  { name: 'follow at once where nothing was recommended', current: 100, desired: 5, expected: 5 },
  {
    name: 'remove down to the most that was recommended within the window',
    past: [
      [4, 2],
      [5, 1],
    ],
    current: 100,
    desired: 3,
    downMinutes: 3,
    expected: 5,
  },
  {
    name: 'add up to the least that was recommended within the window',
    past: [
      [4, 2],
      [5, 1],
    ],
    current: 1,
    desired: 7,
    upMinutes: 5,
    expected: 4,
  },
  {
    name: 'do not hold back removing by the window for adding',
    past: [
      [1, 2],
      [2, 1],
    ],
    current: 100,
    desired: 3,
    upMinutes: 5,
    expected: 3,
  },
  {
    name: 'do not hold back adding by the window for removing',
    past: [
      [4, 2],
      [5, 1],
    ],
    current: 1,
    desired: 3,
    downMinutes: 5,
    expected: 3,
  },
  {
    name: 'forget what is older than they are',
    past: [
      [10, 10],
      [5, 2],
      [4, 1],
      [9, 9],
    ],
    current: 100,
    desired: 3,
    downMinutes: 3,
    expected: 5,
  },
  {
    name: 'do not add while the wish falls',
    past: [
      [2, 100],
      [3, 3],
    ],
    current: 2,
    desired: 1,
    upMinutes: 5,
    downMinutes: 5,
    expected: 2,
  },
  {
    name: 'do not remove while the wish rises',
    past: [
      [2, 100],
      [1, 3],
    ],
    current: 2,
    desired: 3,
    upMinutes: 5,
    downMinutes: 5,
    expected: 2,
  },
] as const;

describe('windows', () => {
  test.each(stabilized)('$name', (row) => {
    const {
      past = [],
      upMinutes = 0,
      downMinutes = 0,
      current,
      desired,
      expected,
    } = { past: [], ...row } as {
      past?: readonly (readonly [number, number])[];
      upMinutes?: number;
      downMinutes?: number;
      current: number;
      desired: number;
      expected: number;
    };
    const behavior = createBehavior(
      spec({
        scaleUp: rules([percent(100, 15)], { stabilizationWindowMs: upMinutes * minuteMs }),
        scaleDown: rules([percent(100, 15)], { stabilizationWindowMs: downMinutes * minuteMs }),
      }),
    );
    const oldestFirst = past.toSorted(([, one], [, other]) => other - one);
    for (const [replicas, agoMinutes] of oldestFirst) behavior.stabilize(1, replicas, nowMs - agoMinutes * minuteMs);
    expect(behavior.stabilize(current, desired, nowMs)).toBe(expected);
  });

  test('begin with what is there: a controller that was just started removes nothing for the length of its window', () => {
    const behavior = createBehavior(
      spec({ scaleDown: rules([percent(100, 15)], { stabilizationWindowMs: 5 * minuteMs }) }),
    );
    behavior.begin(10, nowMs);
    expect(behavior.stabilize(10, 2, nowMs + 5 * minuteMs - secondMs)).toBe(10);
    expect(behavior.stabilize(10, 2, nowMs + 5 * minuteMs)).toBe(2);
  });
});
