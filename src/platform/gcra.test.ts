import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decideRate, type RateLimit } from './gcra.ts';

/** Decides about requests at these times against one limit, as a store does: it keeps each returned `tatMs`. */
function play(timesMs: readonly number[], limit: RateLimit) {
  let tatMs: number | null = null;
  return timesMs.map((nowMs) => {
    const outcome = decideRate(tatMs, nowMs, limit);
    tatMs = outcome.tatMs;
    return outcome;
  });
}
const allowedAt = (timesMs: readonly number[], limit: RateLimit) =>
  play(timesMs, limit).map(({ decision }) => decision.allowed);

const epochMs = 1_790_000_000_000;
const limits = fc.record({ intervalMs: fc.integer({ min: 1, max: 60_000 }), burst: fc.integer({ min: 1, max: 30 }) });
/** Limits, and times that only grow, with pauses about as long as the interval, so that both decisions occur. */
const histories = limits.chain((limit) =>
  fc
    .array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2 * limit.intervalMs })), { maxLength: 80 })
    .map((pausesMs) => {
      let nowMs = epochMs;
      return { limit, timesMs: pausesMs.map((pauseMs) => (nowMs += pauseMs)) };
    }),
);

/**
 * The definition of the limit by brute force: a request is allowed if, and only if, with it every window
 * that ends now holds at most `burst` requests plus one for every interval that it is long.
 */
function allowedByWindows(timesMs: readonly number[], { intervalMs, burst }: RateLimit): boolean[] {
  const accepted: number[] = [];
  return timesMs.map((nowMs) => {
    const fits = accepted.every((startMs, index) => {
      const requests = accepted.length - index + 1;
      return requests <= burst + (nowMs - startMs) / intervalMs;
    });
    if (fits) accepted.push(nowMs);
    return fits;
  });
}

/** A leaky bucket that holds `burst` and loses one every interval, in exact whole numbers. */
function allowedByLeakyBucket(timesMs: readonly number[], { intervalMs, burst }: RateLimit): boolean[] {
  let level = 0n;
  let lastMs = timesMs[0] ?? 0;
  return timesMs.map((nowMs) => {
    level -= BigInt(nowMs - lastMs);
    if (level < 0n) level = 0n;
    lastMs = nowMs;
    if (level + BigInt(intervalMs) > BigInt(intervalMs) * BigInt(burst)) return false;
    level += BigInt(intervalMs);
    return true;
  });
}

describe('a rate limit', () => {
  test('allows a burst at once, then one request an interval', () => {
    const limit = { intervalMs: 600, burst: 3 };
    const timesMs = [0, 0, 0, 0, 599, 600, 600, 1200].map((ms) => epochMs + ms);
    expect(allowedAt(timesMs, limit)).toEqual([true, true, true, false, false, true, false, true]);
  });

  test('returns how many requests remain, when the next one is allowed and when the whole burst is', () => {
    const decisions = play([epochMs, epochMs, epochMs, epochMs + 100], { intervalMs: 600, burst: 3 });
    expect(decisions.map(({ decision }) => decision)).toEqual([
      { allowed: true, remaining: 2, retryAfterMs: 0, resetMs: 600 },
      { allowed: true, remaining: 1, retryAfterMs: 0, resetMs: 1200 },
      { allowed: true, remaining: 0, retryAfterMs: 600, resetMs: 1800 },
      { allowed: false, remaining: 0, retryAfterMs: 500, resetMs: 1700 },
    ]);
  });

  test('allows a request if and only if it fits every window of time', () => {
    fc.assert(
      fc.property(histories, ({ limit, timesMs }) => {
        expect(allowedAt(timesMs, limit)).toEqual(allowedByWindows(timesMs, limit));
      }),
      { numRuns: 500 },
    );
  });

  test('decides like a leaky bucket', () => {
    fc.assert(
      fc.property(histories, ({ limit, timesMs }) => {
        expect(allowedAt(timesMs, limit)).toEqual(allowedByLeakyBucket(timesMs, limit));
      }),
      { numRuns: 500 },
    );
  });

  test('does not count a refused request', () => {
    fc.assert(
      fc.property(histories, ({ limit, timesMs }) => {
        const outcomes = play(timesMs, limit);
        outcomes.forEach(({ decision, tatMs }, index) => {
          const before = outcomes[index - 1]?.tatMs;
          if (!decision.allowed) expect(tatMs).toBe(before);
        });
        const accepted = timesMs.filter((_, index) => outcomes[index]?.decision.allowed);
        expect(allowedAt(accepted, limit)).toEqual(accepted.map(() => true));
      }),
    );
  });

  test('allows a whole burst at one moment also for intervals that are no whole number of ms', () => {
    const anyLimit = fc.record({
      intervalMs: fc.double({ min: 0.006, max: 100_000, noNaN: true }),
      burst: fc.integer({ min: 1, max: 2000 }),
    });
    const anyMoment = fc.double({ min: 0, max: 4e12, noNaN: true });
    fc.assert(
      fc.property(anyLimit, anyMoment, (limit, nowMs) => {
        const allowed = allowedAt(Array<number>(limit.burst + 1).fill(nowMs), limit);
        expect(allowed.lastIndexOf(true)).toBe(limit.burst - 1);
        expect(allowed.at(-1)).toBe(false);
      }),
    );
  });

  test('never allows more than the average rate to a caller that uses every chance', () => {
    const anyLimit = fc.record({
      intervalMs: fc.double({ min: 0.006, max: 100_000, noNaN: true }),
      burst: fc.integer({ min: 1, max: 20 }),
    });
    fc.assert(
      fc.property(anyLimit, fc.integer({ min: 0, max: 4_000_000 }), (limit, startMs) => {
        let nowMs = epochMs + startMs;
        let tatMs: number | null = null;
        let accepted = 0;
        for (let request = 0; request < 200; request += 1) {
          const outcome = decideRate(tatMs, nowMs, limit);
          tatMs = outcome.tatMs;
          if (outcome.decision.allowed) accepted += 1;
          else nowMs += 1 + (request % 3);
        }
        const elapsedMs = nowMs - epochMs - startMs;
        expect(accepted).toBeLessThanOrEqual(limit.burst + elapsedMs / limit.intervalMs);
      }),
    );
  });

  test('allows a request after retryAfterMs, and not a millisecond earlier', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1, max: 100_000, noNaN: true }),
        fc.integer({ min: 1, max: 30 }),
        fc.double({ min: 0, max: 4e12, noNaN: true }),
        (intervalMs, burst, nowMs) => {
          const limit = { intervalMs, burst };
          const { decision, tatMs } = play(Array<number>(burst + 1).fill(nowMs), limit).at(-1) ?? expect.unreachable();
          expect(decideRate(tatMs, nowMs + decision.retryAfterMs, limit).decision.allowed).toBe(true);
          expect(decideRate(tatMs, nowMs + decision.retryAfterMs - 1.01, limit).decision.allowed).toBe(false);
          expect(decideRate(tatMs, nowMs + decision.resetMs, limit).decision.remaining).toBe(burst - 1);
        },
      ),
    );
  });

  test('allows exactly as many further requests as remaining says', () => {
    fc.assert(
      fc.property(histories, ({ limit, timesMs }) => {
        const outcome = play(timesMs, limit).at(-1);
        const nowMs = timesMs.at(-1);
        if (outcome === undefined || nowMs === undefined) return;
        let { tatMs } = outcome;
        let further = 0;
        for (;;) {
          const next = decideRate(tatMs, nowMs, limit);
          if (!next.decision.allowed) break;
          tatMs = next.tatMs;
          further += 1;
        }
        expect(outcome.decision.remaining).toBe(further);
      }),
    );
  });
});

describe('a rate limit whose clock jumps', () => {
  const jumps = limits.chain((limit) =>
    fc.record({
      limit: fc.constant(limit),
      timesMs: fc.array(fc.integer({ min: epochMs - 1e10, max: epochMs + 1e10 }), { minLength: 1, maxLength: 60 }),
    }),
  );

  test('never has a caller wait for more than one interval, nor keeps more than one burst', () => {
    fc.assert(
      fc.property(jumps, ({ limit, timesMs }) => {
        play(timesMs, limit).forEach(({ decision, tatMs }, index) => {
          const nowMs = timesMs[index] ?? 0;
          expect(decision.retryAfterMs).toBeLessThanOrEqual(limit.intervalMs);
          expect(decision.resetMs).toBeLessThanOrEqual(limit.intervalMs * limit.burst);
          expect(decision.remaining).toBeGreaterThanOrEqual(0);
          expect(decision.remaining).toBeLessThan(limit.burst);
          expect(tatMs - nowMs).toBeLessThanOrEqual(limit.intervalMs * limit.burst);
        });
      }),
    );
  });

  test('allows the next request one interval after it was set back by years', () => {
    const limit = { intervalMs: 600, burst: 2 };
    const yearsBackMs = epochMs - 1e11;
    const times = [epochMs, epochMs, epochMs, yearsBackMs, yearsBackMs + 599, yearsBackMs + 600, yearsBackMs + 600];
    expect(allowedAt(times, limit)).toEqual([true, true, false, false, false, true, false]);
  });

  test('allows at most a burst at each time at which it stands still', () => {
    fc.assert(
      fc.property(jumps, ({ limit, timesMs }) => {
        const still = timesMs.flatMap((nowMs) => Array<number>(limit.burst + 2).fill(nowMs));
        const allowed = allowedAt(still, limit);
        for (let start = 0; start < still.length; start += limit.burst + 2) {
          const here = allowed.slice(start, start + limit.burst + 2).filter(Boolean).length;
          expect(here).toBeLessThanOrEqual(limit.burst);
        }
      }),
    );
  });
});

test('a limit that is not valid is refused with a RangeError', () => {
  for (const intervalMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => decideRate(null, epochMs, { intervalMs, burst: 1 })).toThrow(RangeError);
  }
  for (const burst of [0, -1, 1.5, Number.NaN]) {
    expect(() => decideRate(null, epochMs, { intervalMs: 1, burst })).toThrow(RangeError);
  }
});
