import { expect, test } from 'vitest';
import { createServiceTime } from './service-time.ts';

test('there is no mean before the first run has ended', () => {
  expect(createServiceTime().meanMs()).toBeNull();
});

test('the first runs have equal weights', () => {
  const time = createServiceTime();
  for (const heldMs of [1_000, 3_000, 2_000]) time.add(heldMs);
  expect(time.meanMs()).toBeCloseTo(2_000);
});

test('the mean follows a change within about a hundred runs, and one run changes it little', () => {
  const time = createServiceTime();
  for (let count = 0; count < 1_000; count += 1) time.add(2_000);
  time.add(20_000);
  expect(time.meanMs()).toBeCloseTo(2_360);
  for (let count = 0; count < 110; count += 1) time.add(20_000);
  expect(time.meanMs()).toBeGreaterThan(18_000);
});
