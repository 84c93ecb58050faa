import { expect, test } from 'vitest';
import { createFakeClock } from '../../../../tests/support/fake-clock.ts';
import { ServiceError } from '../../../platform/errors.ts';
import type { Share, ShareRequest } from '../../../storage/port/index.ts';
import { createProviderKeyLimits, fallbackShare } from './provider-key-limits.ts';

const quiet = { warn: () => {} };
const never = new AbortController().signal;
const gone = () => Promise.reject(new ServiceError('store_unavailable', {}));

/** Gates whose shares a test gives; it keeps what was asked. */
function createGates(share: ((request: ShareRequest) => Promise<Share>) | null) {
  const clock = createFakeClock();
  const asked: ShareRequest[] = [];
  const note = (request: ShareRequest) => {
    asked.push(request);
    return share?.(request) ?? gone();
  };
  const given = share && note;
  const gates = createProviderKeyLimits({ share: given, leave: async () => {}, processId: 'p1', clock, log: quiet });
  return { gates, clock, asked };
}

/** How many calls get through at once. */
function fill(gate: { tryEnter(): boolean }): number {
  let count = 0;
  while (count < 1_000 && gate.tryEnter()) count += 1;
  return count;
}

test('where there is one process it has all places, and nobody is asked', () => {
  const { gates } = createGates(null);
  expect(fill(gates.gateOf('k', 7))).toBe(7);
});

test('a share is asked for when a call comes, and not for keys that nobody uses', async () => {
  const { gates, clock, asked } = createGates(async () => ({ granted: 3, processes: 2 }));
  const gate = gates.gateOf('k', 10);
  await clock.advance(60_000);
  expect(asked).toEqual([]);
  const entered = gate.enter(true, never);
  await clock.advance(0);
  await entered;
  expect(asked[0]).toMatchObject({ keyId: 'k', limit: 10, used: 0 });
  expect(fill(gate)).toBe(2);
});

test('calls within the share ask nobody', async () => {
  const { gates, clock, asked } = createGates(async () => ({ granted: 5, processes: 1 }));
  const gate = gates.gateOf('k', 5);
  const entered = gate.enter(true, never);
  await clock.advance(0);
  await entered;
  const before = asked.length;
  for (let call = 0; call < 100; call += 1) {
    expect(gate.tryEnter()).toBe(true);
    gate.leave();
  }
  expect(asked).toHaveLength(before);
});

test('what is not needed any more is given back, and then nothing is asked', async () => {
  const { gates, clock, asked } = createGates(async ({ wanted }) => ({ granted: wanted, processes: 1 }));
  const gate = gates.gateOf('k', 5);
  const entered = gate.enter(true, never);
  await clock.advance(0);
  await entered;
  gate.leave();
  await clock.advance(5_000);
  expect(asked.at(-1)).toMatchObject({ wanted: 0, used: 0 });
  const before = asked.length;
  await clock.advance(60_000);
  expect(asked).toHaveLength(before);
});

test('without the store a process keeps its share for a while, and then has its part among those it last heard of', async () => {
  let share: (request: ShareRequest) => Promise<Share> = async () => ({ granted: 8, processes: 4 });
  const { gates, clock } = createGates((request) => share(request));
  const gate = gates.gateOf('k', 12);
  const entered = gate.enter(true, never);
  await clock.advance(0);
  await entered;
  share = gone;
  await clock.advance(2_000);
  expect(fill(gate)).toBe(7);
  for (let call = 0; call < 8; call += 1) gate.leave();
  gate.tryEnter();
  await clock.advance(10_000);
  expect(fill(gate)).toBe(fallbackShare(12, 4) - 1);
});

test('the parts of all processes are no more than the limit, unless there are more processes than places', () => {
  for (let limit = 1; limit < 50; limit += 1) {
    for (let processes = 1; processes <= limit; processes += 1) {
      expect(fallbackShare(limit, processes) * processes).toBeLessThanOrEqual(limit);
    }
  }
  expect(fallbackShare(3, 10)).toBe(1);
});
