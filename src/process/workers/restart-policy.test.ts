import { expect, test } from 'vitest';
import { replacement, type WorkerEnd } from './restart-policy.ts';

const served = (servedMs: number | null, soonBefore = 0): WorkerEnd => ({ servedMs, graceful: false, soonBefore });

test('a worker that had come up well is replaced at once, however often others failed before', () => {
  expect(replacement(served(30_000, 5))).toEqual({ soon: 0, delayMs: 0 });
});

test('a worker that somebody told to end is replaced at once', () => {
  expect(replacement({ servedMs: 10, graceful: true, soonBefore: 3 })).toEqual({ soon: 0, delayMs: 0 });
});

test('the first one that is killed soon after it began to serve is replaced at once', () => {
  expect(replacement(served(1_000))).toEqual({ soon: 1, delayMs: 0 });
});

test.each([
  [0, 1_000],
  [1, 2_000],
  [4, 16_000],
  [5, 30_000],
  [1_000, 30_000],
])('after %i ends right at the start, one more is followed by a pause of %i ms', (before, delayMs) => {
  expect(replacement(served(null, before))).toEqual({ soon: before + 1, delayMs });
  if (before > 0) expect(replacement(served(500, before)).delayMs).toBe(delayMs);
});
