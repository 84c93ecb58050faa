import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRetryBudget, retriesFloor, retryShareMax } from './retry-budget.ts';

const windowMs = 120_000;

test('a few retries are granted in any case', () => {
  const budget = createRetryBudget(() => 0);
  const granted = Array.from({ length: retriesFloor + 5 }, () => budget.take());
  expect(granted.filter(Boolean)).toHaveLength(retriesFloor);
});

test('a busy provider gets a tenth of its requests as retries; requests outside the window do not count', () => {
  let nowMs = 0;
  const budget = createRetryBudget(() => nowMs);
  for (let request = 0; request < 1_000; request += 1) budget.request();
  let retries = 0;
  while (budget.take()) retries += 1;
  expect(retries).toBe(100);
  nowMs += windowMs + 10_000;
  expect(budget.hasLeft()).toBe(true);
});

type Step = { afterMs: number; retry: boolean };
const steps = fc.array(fc.record({ afterMs: fc.integer({ min: 0, max: 30_000 }), retry: fc.boolean() }), {
  maxLength: 300,
});

test('at no time are more retries granted than the share of the requests of the last two minutes', () => {
  fc.assert(
    fc.property(steps, (plan: Step[]) => {
      let nowMs = 5_000;
      const budget = createRetryBudget(() => nowMs);
      const requests: number[] = [];
      const retries: number[] = [];
      // The window slides ten seconds at a time.
      const recent = (times: number[]) =>
        times.filter((atMs) => Math.floor(atMs / 10_000) > Math.floor(nowMs / 10_000) - 12).length;
      for (const { afterMs, retry } of plan) {
        nowMs += afterMs;
        if (!retry) {
          budget.request();
          requests.push(nowMs);
        } else if (budget.take()) {
          retries.push(nowMs);
          expect(recent(retries)).toBeLessThanOrEqual(Math.max(retriesFloor, recent(requests) * retryShareMax + 1));
        }
      }
    }),
  );
});
