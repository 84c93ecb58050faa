import { expect, test } from 'vitest';
import { createArrivalRate } from './arrival-rate.ts';

/** So many each second for so long; returns the moment after. */
function steady(
  demand: ReturnType<typeof createArrivalRate>,
  perSecond: number,
  fromMs: number,
  forMs: number,
): number {
  for (let atMs = fromMs; atMs < fromMs + forMs; atMs += 1000 / perSecond) demand.arrived(atMs);
  return fromMs + forMs;
}

test('a steady demand is known, and a burst changes nothing of it', () => {
  const demand = createArrivalRate();
  const nowMs = steady(demand, 4, 0, 60_000);
  for (let count = 0; count < 1_000; count += 1) demand.arrived(nowMs);
  expect(demand.perMs(nowMs + 5_000) * 1000).toBeCloseTo(4);
});

test('a demand that lasts is known half a minute later, whatever was before', () => {
  const demand = createArrivalRate();
  const nowMs = steady(demand, 20, steady(demand, 4, 0, 60_000), 40_000);
  expect(demand.perMs(nowMs) * 1000).toBeCloseTo(20);
});

test('those who come back as they were told are not counted again', () => {
  const demand = createArrivalRate();
  for (let atMs = 0; atMs < 60_000; atMs += 500) demand.returns(atMs);
  expect(demand.perMs(steady(demand, 6, 0, 60_000)) * 1000).toBeCloseTo(4);
});

test('nothing is known at first, and nothing is left after a silence', () => {
  const demand = createArrivalRate();
  expect(demand.perMs(0)).toBe(0);
  steady(demand, 4, 0, 60_000);
  expect(demand.perMs(3_600_000)).toBe(0);
});
