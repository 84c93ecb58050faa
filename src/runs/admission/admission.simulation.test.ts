/** Simulates admission over time: a queueing model on a fake clock, with seeded random numbers. */
import { describe, expect, test } from 'vitest';
import { createFakeClock } from '../../../tests/support/fake-clock.ts';
import { createRandom } from '../../../tests/support/random.ts';
import type { ServiceError } from '../../platform/errors.ts';
import { createAdmission } from './admission.ts';
import { createSlots } from './slots.ts';

const slotsMax = 10;
const serviceMs = 2_000;
/** Runs that the slots can execute in a second. */
const capacity = slotsMax / (serviceMs / 1000);
const timeoutMs = 10_000;

type Request = { tenantId: string; tries: number; waitedMs: number | null };

/** A service with ten slots whose runs take two seconds on average (exponentially distributed). */
function createSimulation(seed: number) {
  const clock = createFakeClock();
  const elapse = clock.sleep;
  const random = createRandom(seed);
  const slots = createSlots(slotsMax);
  const requests: Request[] = [];
  let waiting = 0;
  let waitingMax = 0;
  let served = 0;
  const admission = createAdmission({
    slots,
    waitersMax: 100,
    background: () => 0,
    metrics: {
      waiting: (callers) => {
        waiting = callers;
        waitingMax = Math.max(waitingMax, waiting);
      },
      admitted: () => {},
      shed: () => {},
    },
    clock,
  });
  const exponential = (meanMs: number) => -Math.log(1 - random.next()) * meanMs;

  async function serve(): Promise<void> {
    const heldMs = exponential(serviceMs);
    await elapse(heldMs);
    served += 1;
    admission.served(heldMs);
    slots.release();
  }

  /** Enters, and retries after the time it is given, at most `triesMax` times. */
  async function request(tenantId: string, triesMax: number): Promise<void> {
    const entry: Request = { tenantId, tries: 0, waitedMs: null };
    requests.push(entry);
    while (entry.tries < triesMax) {
      entry.tries += 1;
      const sinceMs = clock.monotonicMs();
      try {
        await admission.enter({ tenantId, deadlineMs: sinceMs + timeoutMs });
        entry.waitedMs = clock.monotonicMs() - sinceMs;
        return await serve();
      } catch (error) {
        // Whole seconds, as on the wire.
        await elapse(Math.ceil(((error as ServiceError).extras.retryAfterMs ?? 0) / 1000) * 1000);
      }
    }
  }

  return {
    clock,
    requests,
    request,
    served: () => served,
    waitingMax: () => waitingMax,
    /** Requests of a tenant at random times, `perSecond` on average, for `forMs`. */
    async arrivals(tenantId: string, perSecond: number, forMs: number, triesMax: number): Promise<void> {
      const untilMs = clock.monotonicMs() + forMs;
      for (;;) {
        await elapse(exponential(1000 / perSecond));
        if (clock.monotonicMs() >= untilMs) return;
        void request(tenantId, triesMax);
      }
    },
  };
}

const shareOf = <T>(all: readonly T[], holds: (each: T) => boolean) => all.filter(holds).length / all.length;

/** A burst of 150 requests while six tenths of the slots are used; every refused caller retries after its `Retry-After`. */
async function burst(seed: number) {
  const simulation = createSimulation(seed);
  void simulation.arrivals('tenant-a', capacity * 0.6, 200_000, 10);
  await simulation.clock.advance(60_000);
  for (let count = 0; count < 150; count += 1) void simulation.request('tenant-a', 10);
  const before = simulation.served();
  await simulation.clock.advance(30_000);
  const inUse = (simulation.served() - before) / (capacity * 30);
  await simulation.clock.advance(150_000);
  return { inUse, requests: simulation.requests };
}

test('callers that are refused in a burst and obey Retry-After are admitted, and few slots are idle meanwhile', async () => {
  const bursts = [await burst(1), await burst(2), await burst(3), await burst(4)];
  const refused = bursts.flatMap(({ requests }) => requests.filter(({ tries }) => tries > 1));
  expect(refused.length).toBeGreaterThan(400);
  expect(refused.filter(({ waitedMs }) => waitedMs === null)).toEqual([]);
  expect(shareOf(refused, ({ tries }) => tries === 2)).toBeGreaterThan(0.9);
  expect(Math.max(...refused.map(({ tries }) => tries))).toBeLessThanOrEqual(4);
  // The times are not too long, either: the slots are used meanwhile.
  expect(bursts.reduce((sum, { inUse }) => sum + inUse, 0) / bursts.length).toBeGreaterThan(0.85);
});

describe.each([1, 2])('with one greedy tenant that requests five times the capacity (seed %i)', (seed) => {
  test('five modest tenants keep their whole rate, the queue stays bounded, and all slots are used', async () => {
    const simulation = createSimulation(seed);
    const forMs = 60_000;
    const modest = ['m1', 'm2', 'm3', 'm4', 'm5'];
    void simulation.arrivals('greedy', capacity * 5, forMs, 1);
    for (const tenantId of modest) void simulation.arrivals(tenantId, capacity * 0.1, forMs, 1);
    await simulation.clock.advance(forMs);
    await simulation.clock.advance(60_000);
    for (const tenantId of modest) {
      const own = simulation.requests.filter((each) => each.tenantId === tenantId);
      expect(own.length).toBeGreaterThan(10);
      expect(shareOf(own, ({ waitedMs }) => waitedMs !== null)).toBe(1);
      expect(shareOf(own, ({ waitedMs }) => (waitedMs ?? timeoutMs) < serviceMs)).toBeGreaterThan(0.7);
    }
    expect(simulation.waitingMax()).toBeLessThanOrEqual(100);
    expect(simulation.served() / (capacity * (forMs / 1000))).toBeGreaterThan(0.95);
  });
});
