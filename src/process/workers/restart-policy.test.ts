import { expect, test } from 'vitest';
import { restartAfter, type WorkerEnd } from './restart-policy.ts';

const served = (servedMs: number | null, earlyEnds = 0): WorkerEnd => ({ servedMs, graceful: false, earlyEnds });

test('a stable worker is replaced at once, however many early ends came before', () => {
  expect(restartAfter(served(30_000, 5))).toEqual({ earlyEnds: 0, delayMs: 0 });
});

test('a worker that a signal ended is replaced at once', () => {
  expect(restartAfter({ servedMs: 10, graceful: true, earlyEnds: 3 })).toEqual({ earlyEnds: 0, delayMs: 0 });
});

test('a first worker that is killed soon after it began to serve is replaced at once', () => {
  expect(restartAfter(served(1_000))).toEqual({ earlyEnds: 1, delayMs: 0 });
});

test.each([
  [0, 1_000],
  [1, 2_000],
  [4, 16_000],
  [5, 30_000],
  [1_000, 30_000],
])('after %i early ends, the next one is followed by a delay of %i ms', (before, delayMs) => {
  expect(restartAfter(served(null, before))).toEqual({ earlyEnds: before + 1, delayMs });
  if (before > 0) expect(restartAfter(served(500, before)).delayMs).toBe(delayMs);
});
