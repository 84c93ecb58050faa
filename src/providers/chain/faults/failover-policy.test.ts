import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { attemptMsMin, attemptsMax, decideFailover, faultRules, type Situation } from './failover-policy.ts';
import type { FaultKind } from './provider-fault.ts';

const situation = (kind: FaultKind, more: Partial<Situation> & { waitMs?: number } = {}): Situation => ({
  fault: { kind, waitMs: more.waitMs ?? null, status: null },
  attempts: 1,
  triesHere: 1,
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
  test('a limit, a dead connection and a broken answer are its turn at once', () => {
    for (const kind of ['rate_limited', 'unreachable', 'timed_out', 'truncated', 'malformed'] as const)
      expect(decideFailover(situation(kind, others))).toEqual({ type: 'next' });
  });
  test('an error of the server is worth one more try, and then the next is asked', () => {
    expect(decideFailover(situation('server_error', others)).type).toBe('again');
    const second = { ...others, attempts: 2, triesHere: 2 };
    expect(decideFailover(situation('server_error', second))).toEqual({ type: 'next' });
  });
  test('a request that is refused for what it is, is shown to nobody else', () => {
    for (const kind of ['bad_request', 'content_filtered', 'context_too_long', 'output_limit'] as const)
      expect(decideFailover(situation(kind, others))).toEqual({ type: 'give_up', why: 'request' });
  });
  test('nothing is repeated that had effects at the provider', () => {
    expect(decideFailover(situation('truncated', { ...others, hadEffects: true }))).toMatchObject({ why: 'effects' });
  });
});

describe('with nobody else to ask', () => {
  test('a limit is waited for as long as the provider asks, and a little longer', () => {
    expect(decideFailover(situation('rate_limited', { waitMs: 7_000 }))).toEqual({ type: 'again', afterMs: 7_000 });
    expect(decideFailover(situation('rate_limited', { waitMs: 7_000, random: 0.5 }))).toEqual({
      type: 'again',
      afterMs: 7_700,
    });
  });
  test('a limit that lasts for longer than there is time is not waited for', () => {
    expect(decideFailover(situation('rate_limited', { waitMs: 40_000 }))).toEqual({ type: 'give_up', why: 'time' });
  });
  test('a key without money, a key that is refused and a model that is not there are not tried again', () => {
    for (const kind of ['quota_exhausted', 'credentials_refused', 'model_not_found'] as const)
      expect(decideFailover(situation(kind))).toMatchObject({ type: 'give_up' });
  });
  test('without a budget nothing is tried again', () => {
    expect(decideFailover(situation('server_error', { mayRetry: false }))).toEqual({ type: 'give_up', why: 'budget' });
  });
});

const anySituation = fc.record({
  kind: fc.constantFrom(...kinds),
  attempts: fc.integer({ min: 1, max: 5 }),
  triesHere: fc.integer({ min: 1, max: 5 }),
  mayRetry: fc.boolean(),
  othersInMs: fc.constantFrom(0, 500, 5_000, Number.POSITIVE_INFINITY),
  hadEffects: fc.boolean(),
  remainingMs: fc.integer({ min: -1_000, max: 60_000 }),
  random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  waitMs: fc.option(fc.integer({ min: 0, max: 120_000 }), { nil: undefined }),
});

test('in whatever situation, no request is tried more than three times, nor beyond its time or its budget', () => {
  fc.assert(
    fc.property(anySituation, ({ kind, ...more }) => {
      const reaction = decideFailover(situation(kind, more));
      if (reaction.type === 'give_up') return;
      expect(more.attempts).toBeLessThan(attemptsMax);
      expect(more.hadEffects).toBe(false);
      expect(more.remainingMs).toBeGreaterThanOrEqual(attemptMsMin);
      if (reaction.type === 'next') return;
      expect(more.mayRetry).toBe(true);
      expect(reaction.afterMs).toBeGreaterThanOrEqual(0);
      expect(reaction.afterMs + attemptMsMin).toBeLessThanOrEqual(more.remainingMs);
    }),
  );
});
