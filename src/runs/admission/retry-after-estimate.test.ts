import { expect, test } from 'vitest';
import { createRetryAfterEstimate } from './retry-after-estimate.ts';

test('each refused caller gets a time of its own, one run after the one before', () => {
  const times = createRetryAfterEstimate<string>();
  const delaysMs = [1, 2, 3].map(() => times.next('a', 0, 2_000, 500));
  expect(delaysMs).toEqual([2_500, 3_000, 3_500]);
});

test('times that have passed do not delay later ones', () => {
  const times = createRetryAfterEstimate<string>();
  for (let count = 0; count < 10; count += 1) times.next('a', 0, 1_000, 500);
  expect(times.next('a', 60_000, 1_000, 500)).toBe(1_500);
});

test('a party with many requests delays only itself', () => {
  const times = createRetryAfterEstimate<string>();
  for (let count = 0; count < 100; count += 1) times.next('greedy', 0, 1_000, 500);
  expect(times.next('modest', 0, 1_000, 500)).toBe(2_000); // two parties share the slots that become free
});

test('no time is less than a second or more than a minute', () => {
  const times = createRetryAfterEstimate<string>();
  expect(times.next('a', 0, 5, 1)).toBe(1_000);
  expect(times.next('a', 0, 3_600_000, 1)).toBe(60_000);
  expect(times.next('a', 0, 3_600_000, 1)).toBe(60_000);
});
