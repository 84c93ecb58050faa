import { expect, test } from 'vitest';
import { createArrivalRate } from './arrival-rate.ts';

/** Counts requests at a steady rate; returns the time after the last one. */
function steady(rate: ReturnType<typeof createArrivalRate>, perSecond: number, fromMs: number, forMs: number): number {
  for (let atMs = fromMs; atMs < fromMs + forMs; atMs += 1000 / perSecond) rate.arrived(atMs);
  return fromMs + forMs;
}

test('the rate is that of steady demand, and a burst does not change it', () => {
  const rate = createArrivalRate();
  const nowMs = steady(rate, 4, 0, 60_000);
  for (let count = 0; count < 1_000; count += 1) rate.arrived(nowMs);
  expect(rate.perMs(nowMs + 5_000) * 1000).toBeCloseTo(4);
});

test('the rate follows a lasting change of demand within half a minute', () => {
  const rate = createArrivalRate();
  const nowMs = steady(rate, 20, steady(rate, 4, 0, 60_000), 40_000);
  expect(rate.perMs(nowMs) * 1000).toBeCloseTo(20);
});

test('announced retries are not counted as new requests', () => {
  const rate = createArrivalRate();
  for (let atMs = 0; atMs < 60_000; atMs += 500) rate.retries(atMs);
  expect(rate.perMs(steady(rate, 6, 0, 60_000)) * 1000).toBeCloseTo(4);
});

test('the rate is 0 at first, and 0 after a long time without requests', () => {
  const rate = createArrivalRate();
  expect(rate.perMs(0)).toBe(0);
  steady(rate, 4, 0, 60_000);
  expect(rate.perMs(3_600_000)).toBe(0);
});
