/** What admission comes to over time: a queue model on a clock of its own, with chances that repeat. */
import { describe, expect, test } from 'vitest';
import { createFakeClock } from '../../../tests/support/fake-clock.ts';
import { createRandom } from '../../../tests/support/random.ts';
import type { ServiceError } from '../../platform/errors.ts';
import { createAdmission } from './admission.ts';
import { createSlots } from './slots.ts';

const places = 10;
const serviceMs = 2_000;
/** Runs that the places can carry out in a second. */
const capacity = places / (serviceMs / 1000);
const timeoutMs = 10_000;

type Visit = { tenantId: string; tries: number; waitedMs: number | null };

/** A house of ten places whose runs take two seconds on average, however long each (exponential). */
function createHouse(seed: number) {
  const clock = createFakeClock();
  const after = clock.sleep;
  const random = createRandom(seed);
  const slots = createSlots(places);
  const visits: Visit[] = [];
  let waiting = 0;
  let waitingMost = 0;
  let served = 0;
  const admission = createAdmission({
    slots,
    waitersMax: 100,
    background: () => 0,
    metrics: {
      waiting: (callers) => {
        waiting = callers;
        waitingMost = Math.max(waitingMost, waiting);
      },
      admitted: () => {},
      shed: () => {},
    },
    clock,
  });
  const exponential = (meanMs: number) => -Math.log(1 - random.next()) * meanMs;

  async function serve(): Promise<void> {
    const heldMs = exponential(serviceMs);
    await after(heldMs);
    served += 1;
    admission.served(heldMs);
    slots.release();
  }

  /** Comes, and comes back when it is told to, at most so many times. */
  async function visit(tenantId: string, triesMax: number): Promise<void> {
    const entry: Visit = { tenantId, tries: 0, waitedMs: null };
    visits.push(entry);
    while (entry.tries < triesMax) {
      entry.tries += 1;
      const sinceMs = clock.monotonicMs();
      try {
        await admission.enter({ tenantId, deadlineMs: sinceMs + timeoutMs });
        entry.waitedMs = clock.monotonicMs() - sinceMs;
        return await serve();
      } catch (error) {
        // Whole seconds, as on the wire.
        await after(Math.ceil(((error as ServiceError).extras.retryAfterMs ?? 0) / 1000) * 1000);
      }
    }
  }

  return {
    clock,
    visits,
    visit,
    served: () => served,
    waitingMost: () => waitingMost,
    /** Visits of a tenant, so many in a second on average, at moments of chance, for so long. */
    async arrivals(tenantId: string, perSecond: number, forMs: number, triesMax: number): Promise<void> {
      const untilMs = clock.monotonicMs() + forMs;
      for (;;) {
        await after(exponential(1000 / perSecond));
        if (clock.monotonicMs() >= untilMs) return;
        void visit(tenantId, triesMax);
      }
    },
  };
}

const share = <T>(of: readonly T[], holds: (each: T) => boolean) => of.filter(holds).length / of.length;

/** A burst of 150 while six tenths of the places are in use; all who are refused come back when they are told to. */
async function burst(seed: number) {
  const house = createHouse(seed);
  void house.arrivals('everybody', capacity * 0.6, 200_000, 10);
  await house.clock.advance(60_000);
  for (let count = 0; count < 150; count += 1) void house.visit('everybody', 10);
  const before = house.served();
  await house.clock.advance(30_000);
  const inUse = (house.served() - before) / (capacity * 30);
  await house.clock.advance(150_000);
  return { inUse, visits: house.visits };
}

test('those who are refused in a burst and come back when they are told to get in, and no place is idle meanwhile', async () => {
  const bursts = [await burst(1), await burst(2), await burst(3), await burst(4)];
  const refused = bursts.flatMap(({ visits }) => visits.filter(({ tries }) => tries > 1));
  expect(refused.length).toBeGreaterThan(400);
  expect(refused.filter(({ waitedMs }) => waitedMs === null)).toEqual([]);
  expect(share(refused, ({ tries }) => tries === 2)).toBeGreaterThan(0.9);
  expect(Math.max(...refused.map(({ tries }) => tries))).toBeLessThanOrEqual(4);
  // Nobody is told to stay away for too long, either.
  expect(bursts.reduce((sum, { inUse }) => sum + inUse, 0) / bursts.length).toBeGreaterThan(0.85);
});

describe.each([1, 2])('one greedy tenant that asks for five times what there is, by chance %i', (seed) => {
  test('five modest tenants keep their whole rate, the line stays bounded, and all places are used', async () => {
    const house = createHouse(seed);
    const forMs = 60_000;
    const modest = ['m1', 'm2', 'm3', 'm4', 'm5'];
    void house.arrivals('greedy', capacity * 5, forMs, 1);
    for (const tenantId of modest) void house.arrivals(tenantId, capacity * 0.1, forMs, 1);
    await house.clock.advance(forMs);
    await house.clock.advance(60_000);
    for (const tenantId of modest) {
      const own = house.visits.filter((visit) => visit.tenantId === tenantId);
      expect(own.length).toBeGreaterThan(10);
      expect(share(own, ({ waitedMs }) => waitedMs !== null)).toBe(1);
      expect(share(own, ({ waitedMs }) => (waitedMs ?? timeoutMs) < serviceMs)).toBeGreaterThan(0.7);
    }
    expect(house.waitingMost()).toBeLessThanOrEqual(100);
    expect(house.served() / (capacity * (forMs / 1000))).toBeGreaterThan(0.95);
  });
});
