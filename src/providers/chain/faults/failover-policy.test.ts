import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { attemptMsMin, attemptsMax, decideFailover, type FaultContext, faultRules } from './failover-policy.ts';
import type { FaultKind } from './provider-fault.ts';

const contextOf = (kind: FaultKind, more: Partial<FaultContext> & { waitMs?: number } = {}): FaultContext => ({
  fault: { kind, waitMs: more.waitMs ?? null, status: null },
  attempts: 1,
  attemptsHere: 1,
  mayRetry: true,
  othersInMs: Number.POSITIVE_INFINITY,
  hadEffects: false,
  remainingMs: 30_000,
  random: 0,
  ...more,
});
const kinds = Object.keys(faultRules) as FaultKind[];

describe('with another provider that is ready', () => {
  const others = { othersInMs: 0 };
  test('a rate limit, a lost connection and an incomplete answer fail over at once', () => {
    for (const kind of ['rate_limited', 'unreachable', 'timed_out', 'truncated', 'malformed'] as const)
      expect(decideFailover(contextOf(kind, others))).toEqual({ type: 'next' });
  });
  test('a server error is retried once, and then the next provider is asked', () => {
    expect(decideFailover(contextOf('server_error', others)).type).toBe('again');
    const second = { ...others, attempts: 2, attemptsHere: 2 };
    expect(decideFailover(contextOf('server_error', second))).toEqual({ type: 'next' });
  });
  test('a request that is refused for its content goes to no other provider', () => {
    for (const kind of ['bad_request', 'content_filtered', 'context_too_long', 'output_limit'] as const)
      expect(decideFailover(contextOf(kind, others))).toEqual({ type: 'give_up', reason: 'request' });
  });
  test('a request that had effects at the provider is not repeated', () => {
    expect(decideFailover(contextOf('truncated', { ...others, hadEffects: true }))).toMatchObject({
      reason: 'effects',
    });
  });
});

describe('with no other provider', () => {
  test('the end of a rate limit is waited for as long as the provider asks, and a little longer', () => {
    expect(decideFailover(contextOf('rate_limited', { waitMs: 7_000 }))).toEqual({ type: 'again', afterMs: 7_000 });
    expect(decideFailover(contextOf('rate_limited', { waitMs: 7_000, random: 0.5 }))).toEqual({
      type: 'again',
      afterMs: 7_700,
    });
  });
  test('a rate limit that lasts longer than the remaining time is not waited for', () => {
    expect(decideFailover(contextOf('rate_limited', { waitMs: 40_000 }))).toEqual({ type: 'give_up', reason: 'time' });
  });
  test('an exhausted quota, a refused key and an unknown model are not retried', () => {
    for (const kind of ['quota_exhausted', 'credentials_refused', 'model_not_found'] as const)
      expect(decideFailover(contextOf(kind))).toMatchObject({ type: 'give_up' });
  });
  test('without a retry budget nothing is retried', () => {
    expect(decideFailover(contextOf('server_error', { mayRetry: false }))).toEqual({
      type: 'give_up',
      reason: 'budget',
    });
  });
});

const anyContext = fc.record({
  kind: fc.constantFrom(...kinds),
  attempts: fc.integer({ min: 1, max: 5 }),
  attemptsHere: fc.integer({ min: 1, max: 5 }),
  mayRetry: fc.boolean(),
  othersInMs: fc.constantFrom(0, 500, 5_000, Number.POSITIVE_INFINITY),
  hadEffects: fc.boolean(),
  remainingMs: fc.integer({ min: -1_000, max: 60_000 }),
  random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  waitMs: fc.option(fc.integer({ min: 0, max: 120_000 }), { nil: undefined }),
});

test('no request has more than three attempts, or attempts beyond its time or its retry budget', () => {
  fc.assert(
    fc.property(anyContext, ({ kind, ...more }) => {
      const decision = decideFailover(contextOf(kind, more));
      if (decision.type === 'give_up') return;
      expect(more.attempts).toBeLessThan(attemptsMax);
      expect(more.hadEffects).toBe(false);
      expect(more.remainingMs).toBeGreaterThanOrEqual(attemptMsMin);
      if (decision.type === 'next') return;
      expect(more.mayRetry).toBe(true);
      expect(decision.afterMs).toBeGreaterThanOrEqual(0);
      expect(decision.afterMs + attemptMsMin).toBeLessThanOrEqual(more.remainingMs);
    }),
  );
});
