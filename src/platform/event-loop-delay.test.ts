import { expect, test } from 'vitest';
import { createDelayMeter } from './event-loop-delay.ts';

/** What is known after the loop was away for these times, in ms. */
function recentMs(...absencesMs: number[]): number {
  const meter = createDelayMeter();
  for (const forMs of absencesMs) meter.away(forMs);
  return meter.recentMs();
}

const quiet = (forMs: number): number[] => Array(forMs / 20).fill(20);

test('a quiet loop keeps nobody waiting, and nothing is known at first', () => {
  expect(recentMs(...quiet(1_000))).toBeCloseTo(10);
  expect(recentMs(...quiet(900))).toBe(0);
});

test('a loop that is away again and again keeps callers waiting for half of each absence', () => {
  expect(recentMs(3_000, 3_000)).toBeCloseTo(1_500);
});

test('one absence of a second in a quiet time is no overload, and one of five is', () => {
  expect(recentMs(...quiet(900), 1_000)).toBeLessThan(300);
  expect(recentMs(...quiet(900), 5_000)).toBeGreaterThan(1_000);
});

test('an absence is known as soon as it is over, and forgotten after a quiet second', () => {
  expect(recentMs(5_000)).toBe(2_500);
  expect(recentMs(5_000, ...quiet(1_000))).toBeCloseTo(10);
});
