import { expect, test } from 'vitest';
import { createAdaptiveLimit } from './adaptive-limit.ts';

test('a request to slow down halves the concurrency, which then rises by one a round until the limit is lifted', () => {
  const limit = createAdaptiveLimit(() => 0);
  const fill = (count: number) =>
    Array.from({ length: count }, () => limit.semaphore.tryAcquire()).filter(Boolean).length;
  expect(fill(8)).toBe(8);
  limit.slowDown();
  expect(limit.semaphore.limit()).toBe(4);
  limit.slowDown();
  expect(limit.semaphore.limit()).toBe(2);
  for (let answer = 0; answer < 2; answer += 1) limit.answered(1_000);
  expect(limit.semaphore.limit()).toBe(3);
  for (let answer = 0; answer < 200; answer += 1) limit.answered(1_000);
  expect(limit.semaphore.limit()).toBe(Number.POSITIVE_INFINITY);
});

test('above a million tokens a minute the concurrency rises by at most half in a quarter of an hour', () => {
  let nowMs = 0;
  const limit = createAdaptiveLimit(() => nowMs);
  for (let call = 0; call < 200; call += 1) limit.semaphore.tryAcquire();
  limit.slowDown();
  expect(limit.semaphore.limit()).toBe(100);
  const minutes = (count: number) => {
    for (let minute = 0; minute < count; minute += 1) {
      for (let answer = 0; answer < 2_000; answer += 1) limit.answered(1_000);
      nowMs += 60_000;
    }
  };
  minutes(15);
  expect(limit.semaphore.limit()).toBeGreaterThan(135);
  expect(limit.semaphore.limit()).toBeLessThanOrEqual(150);
  minutes(15);
  expect(limit.semaphore.limit()).toBeLessThanOrEqual(225);
  nowMs += 120_000; // little is sent, so no ramp applies
  for (let answer = 0; answer < 200_000; answer += 1) limit.answered(1);
  expect(limit.semaphore.limit()).toBe(Number.POSITIVE_INFINITY);
});

test('the limit is never lower than one call at a time', () => {
  const limit = createAdaptiveLimit(() => 0);
  for (let request = 0; request < 5; request += 1) limit.slowDown();
  expect(limit.semaphore.limit()).toBe(1);
});
