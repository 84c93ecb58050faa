import { expect, test } from 'vitest';
import { createDelayMeter } from './event-loop-delay.ts';

/** The measured delay after the loop was blocked for these times, in ms. */
function recentMs(...blocksMs: number[]): number {
  const meter = createDelayMeter();
  for (const blockedMs of blocksMs) meter.record(blockedMs);
  return meter.recentMs();
}

const quiet = (durationMs: number): number[] => Array(durationMs / 20).fill(20);

test('a quiet loop has next to no delay, and the delay is 0 until one is measured', () => {
  expect(recentMs(...quiet(1_000))).toBeCloseTo(10);
  expect(recentMs(...quiet(900))).toBe(0);
});

test('a loop that is blocked again and again has a delay of half of each block', () => {
  expect(recentMs(3_000, 3_000)).toBeCloseTo(1_500);
});

test('one block of a second in a quiet time is no overload, and one of five seconds is', () => {
  expect(recentMs(...quiet(900), 1_000)).toBeLessThan(300);
  expect(recentMs(...quiet(900), 5_000)).toBeGreaterThan(1_000);
});

test('a block is measured as soon as it is over, and no longer counts after a quiet second', () => {
  expect(recentMs(5_000)).toBe(2_500);
  expect(recentMs(5_000, ...quiet(1_000))).toBeCloseTo(10);
});
