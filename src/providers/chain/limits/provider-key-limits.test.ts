import { expect, test } from 'vitest';
import { createFakeClock } from '../../../../tests/support/fake-clock.ts';
import { ServiceError } from '../../../platform/errors.ts';
import type { Share, ShareRequest } from '../../../storage/port/index.ts';
import { createProviderKeyLimits } from './provider-key-limits.ts';
import { fallbackShare } from './shared-key-limit.ts';

const quiet = { warn: () => {} };
const never = new AbortController().signal;
const unavailable = () => Promise.reject(new ServiceError('store_unavailable', {}));

/** Limits of keys whose shares come from `share`; `requests` are those that were made. */
function createLimits(share: ((request: ShareRequest) => Promise<Share>) | null) {
  const clock = createFakeClock();
  const requests: ShareRequest[] = [];
  const recorded = (request: ShareRequest) => {
    requests.push(request);
    return share?.(request) ?? unavailable();
  };
  const limits = createProviderKeyLimits({
    share: share && recorded,
    leave: async () => {},
    processId: 'p1',
    clock,
    log: quiet,
  });
  return { limits, clock, requests };
}

/** How many calls get a permit without waiting. */
function fill(keyLimit: { tryAcquire(): boolean }): number {
  let count = 0;
  while (count < 1_000 && keyLimit.tryAcquire()) count += 1;
  return count;
}

test('a single process has all permits and does not ask the store', () => {
  const { limits } = createLimits(null);
  expect(fill(limits.limitFor('k', 7))).toBe(7);
});

test('a share is requested when a call arrives, and not for unused keys', async () => {
  const { limits, clock, requests } = createLimits(async () => ({ granted: 3, processes: 2 }));
  const keyLimit = limits.limitFor('k', 10);
  await clock.advance(60_000);
  expect(requests).toEqual([]);
  const acquired = keyLimit.acquire(true, never);
  await clock.advance(0);
  await acquired;
  expect(requests[0]).toMatchObject({ keyId: 'k', limit: 10, used: 0 });
  expect(fill(keyLimit)).toBe(2);
});

test('calls within the share do not ask the store', async () => {
  const { limits, clock, requests } = createLimits(async () => ({ granted: 5, processes: 1 }));
  const keyLimit = limits.limitFor('k', 5);
  const acquired = keyLimit.acquire(true, never);
  await clock.advance(0);
  await acquired;
  const before = requests.length;
  for (let call = 0; call < 100; call += 1) {
    expect(keyLimit.tryAcquire()).toBe(true);
    keyLimit.release();
  }
  expect(requests).toHaveLength(before);
});

test('permits that are no longer needed are given back, and then the store is not asked', async () => {
  const { limits, clock, requests } = createLimits(async ({ wanted }) => ({ granted: wanted, processes: 1 }));
  const keyLimit = limits.limitFor('k', 5);
  const acquired = keyLimit.acquire(true, never);
  await clock.advance(0);
  await acquired;
  keyLimit.release();
  await clock.advance(5_000);
  expect(requests.at(-1)).toMatchObject({ wanted: 0, used: 0 });
  const before = requests.length;
  await clock.advance(60_000);
  expect(requests).toHaveLength(before);
});

test('without the store a process keeps its share for a while, and then has the limit divided by the known processes', async () => {
  let share: (request: ShareRequest) => Promise<Share> = async () => ({ granted: 8, processes: 4 });
  const { limits, clock } = createLimits((request) => share(request));
  const keyLimit = limits.limitFor('k', 12);
  const acquired = keyLimit.acquire(true, never);
  await clock.advance(0);
  await acquired;
  share = unavailable;
  await clock.advance(2_000);
  expect(fill(keyLimit)).toBe(7);
  for (let call = 0; call < 8; call += 1) keyLimit.release();
  keyLimit.tryAcquire();
  await clock.advance(10_000);
  expect(fill(keyLimit)).toBe(fallbackShare(12, 4) - 1);
});

test('the fallback shares of all processes add up to no more than the limit, unless there are more processes than permits', () => {
  for (let limit = 1; limit < 50; limit += 1) {
    for (let processes = 1; processes <= limit; processes += 1) {
      expect(fallbackShare(limit, processes) * processes).toBeLessThanOrEqual(limit);
    }
  }
  expect(fallbackShare(3, 10)).toBe(1);
});
