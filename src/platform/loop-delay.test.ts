import { expect, test } from 'vitest';
import { delayMetMs } from './loop-delay.ts';

/** What a histogram would say of these absences of the loop, in ms. */
function histogramOf(absencesMs: number[]) {
  const mean = absencesMs.reduce((sum, each) => sum + each, 0) / absencesMs.length;
  const variance = absencesMs.reduce((sum, each) => sum + (each - mean) ** 2, 0) / absencesMs.length;
  return { mean: mean * 1e6, stddev: Math.sqrt(variance) * 1e6 };
}

const quiet = (forMs: number): number[] => Array(forMs / 20).fill(20);

test('a quiet loop keeps nobody waiting, and nothing measured is no delay', () => {
  expect(delayMetMs(histogramOf(quiet(1_000)))).toBeCloseTo(10);
  expect(delayMetMs({ mean: Number.NaN, stddev: Number.NaN })).toBe(0);
});

test('a loop that is away again and again keeps callers waiting for half of each absence', () => {
  expect(delayMetMs(histogramOf([3_000, 3_000]))).toBeCloseTo(1_500);
});

test('one absence of a second in a quiet time is no overload, and one of five is', () => {
  expect(delayMetMs(histogramOf([...quiet(1_000), 1_000]))).toBeLessThan(300);
  expect(delayMetMs(histogramOf([...quiet(1_000), 5_000]))).toBeGreaterThan(1_000);
});
