import { expect, test } from 'vitest';
import { createArrivals } from './arrivals.ts';

const never = new AbortController().signal;

/** Whether a promise is settled at the end of this tick. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.finally(() => {
    settled = true;
  });
  await new Promise(setImmediate);
  return settled;
}

test('a stop waits for the requests that have arrived, each of them once', async () => {
  const arrivals = createArrivals();
  const [one, other] = [arrivals.begin(), arrivals.begin()];
  const decided = arrivals.decided(never);
  one();
  one();
  expect(await isSettled(decided)).toBe(false);
  other();
  expect(await isSettled(decided)).toBe(true);
});

test('a stop does not wait where no request has arrived, nor beyond its limit', async () => {
  const arrivals = createArrivals();
  await arrivals.decided(never);
  arrivals.begin();
  const limit = new AbortController();
  const decided = arrivals.decided(limit.signal);
  expect(await isSettled(decided)).toBe(false);
  limit.abort();
  expect(await isSettled(decided)).toBe(true);
});
