import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Clock } from '../platform/clock.ts';
import { decideRate } from '../platform/gcra.ts';
import { createMemoryRateLimiter } from './memory-rate-limiter.ts';

/** A clock that stands still until the test moves it. */
function createManualClock() {
  let monotonicMs = 5_000;
  let nowMs = 1_790_000_000_000;
  const clock: Clock = {
    nowMs: () => nowMs,
    monotonicMs: () => monotonicMs,
    sleep: () => Promise.reject(new Error('nothing here sleeps')),
  };
  return {
    clock,
    advance: (byMs: number) => {
      monotonicMs += byMs;
      nowMs += byMs;
    },
    setBack: (byMs: number) => {
      nowMs -= byMs;
    },
  };
}

const limit = { intervalMs: 600, burst: 2 };

describe('the rate limiter in memory', () => {
  test('counts each caller separately', async () => {
    const { clock } = createManualClock();
    const limiter = createMemoryRateLimiter({ clock });
    for (const allowed of [true, true, false]) {
      expect(await limiter.take('create:a', limit)).toMatchObject({ allowed });
      expect(await limiter.take('create:b', limit)).toMatchObject({ allowed });
    }
  });

  test('allows the next request after retryAfterMs', async () => {
    const { clock, advance } = createManualClock();
    const limiter = createMemoryRateLimiter({ clock });
    await limiter.take('create:a', limit);
    await limiter.take('create:a', limit);
    const refused = await limiter.take('create:a', limit);
    expect(refused).toEqual({ allowed: false, remaining: 0, retryAfterMs: 600, resetMs: 1200 });
    advance(refused.retryAfterMs);
    expect(await limiter.take('create:a', limit)).toMatchObject({ allowed: true });
  });

  test('is not affected when the wall clock is set back', async () => {
    const { clock, advance, setBack } = createManualClock();
    const limiter = createMemoryRateLimiter({ clock });
    await limiter.take('create:a', limit);
    setBack(1e9);
    expect(await limiter.take('create:a', limit)).toMatchObject({ allowed: true });
    expect(await limiter.take('create:a', limit)).toMatchObject({ allowed: false, retryAfterMs: 600 });
    advance(600);
    expect(await limiter.take('create:a', limit)).toMatchObject({ allowed: true });
  });

  test('evicts callers whose whole burst is available again', async () => {
    const { clock, advance } = createManualClock();
    const limiter = createMemoryRateLimiter({ clock });
    for (let caller = 0; caller < 1000; caller += 1) await limiter.take(`create:${caller}`, limit);
    expect(limiter.keysCount()).toBe(1000);
    advance(limit.intervalMs);
    for (let request = 0; request < 1000; request += 1) await limiter.take('create:one', limit);
    expect(limiter.keysCount()).toBe(1);
  });

  test('keeps no more callers than keysMax, and evicts the least recently seen one', async () => {
    const { clock } = createManualClock();
    const limiter = createMemoryRateLimiter({ clock, keysMax: 2 });
    const once = { intervalMs: 600, burst: 1 };
    await limiter.take('create:a', once);
    await limiter.take('create:b', once);
    expect(await limiter.take('create:a', once)).toMatchObject({ allowed: false });
    await limiter.take('create:c', once);
    expect(limiter.keysCount()).toBe(2);
    expect(await limiter.take('create:a', once)).toMatchObject({ allowed: false });
    expect(await limiter.take('create:b', once)).toMatchObject({ allowed: true });
  });

  test('keeps within keysMax, and decides for each caller as if it were alone as long as keysMax is not exceeded', async () => {
    const requests = fc.array(
      fc.record({ caller: fc.integer({ min: 0, max: 19 }), pauseMs: fc.integer({ min: 0, max: 900 }) }),
      { maxLength: 200 },
    );
    await fc.assert(
      fc.asyncProperty(requests, fc.integer({ min: 1, max: 30 }), async (history, keysMax) => {
        const { clock, advance } = createManualClock();
        const limiter = createMemoryRateLimiter({ clock, keysMax });
        const alone = new Map<number, number>();
        for (const { caller, pauseMs } of history) {
          advance(pauseMs);
          const decision = await limiter.take(`create:${caller}`, limit);
          const expected = decideRate(alone.get(caller) ?? null, clock.monotonicMs(), limit);
          alone.set(caller, expected.tatMs);
          expect(limiter.keysCount()).toBeLessThanOrEqual(keysMax);
          if (keysMax >= 20) expect(decision).toEqual(expected.decision);
        }
      }),
    );
  });
});
