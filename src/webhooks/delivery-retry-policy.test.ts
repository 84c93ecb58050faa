import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Attempt,
  attemptsMax,
  backoffMs,
  delayMsMax,
  firstDelayMsMax,
  nextDelivery,
} from './delivery-retry-policy.ts';

const half = () => 0.5;
const answered = (status: number, retryAfter: number | null = null): Attempt => ({
  type: 'answered',
  status,
  retryAfterMs: retryAfter,
});
const dayMs = 24 * 3_600_000;

describe('after an attempt', () => {
  test.each([200, 201, 204, 299])('an answer of %i is a success', (status) => {
    expect(nextDelivery(answered(status), 1, half)).toEqual({ type: 'delivered', lastStatus: status });
    expect(nextDelivery(answered(status), attemptsMax, half)).toEqual({ type: 'delivered', lastStatus: status });
  });

  test.each([100, 301, 302, 307, 400, 401, 404, 408, 429, 500, 502, 503])('an answer of %i is retried', (status) => {
    expect(nextDelivery(answered(status), 1, half)).toMatchObject({
      type: 'retry',
      inMs: firstDelayMsMax / 2,
      lastStatus: status,
    });
  });

  test('an answer of 410 ends the delivery', () => {
    expect(nextDelivery(answered(410), 1, half)).toMatchObject({ type: 'dead', lastStatus: 410 });
  });

  test('an attempt without an answer is retried', () => {
    const failed: Attempt = { type: 'failed', reason: 'not reached: ECONNREFUSED' };
    const failure = { lastStatus: null, lastError: 'not reached: ECONNREFUSED' };
    expect(nextDelivery(failed, 1, half)).toEqual({ type: 'retry', inMs: firstDelayMsMax / 2, ...failure });
    expect(nextDelivery(failed, attemptsMax, half)).toEqual({ type: 'dead', ...failure });
  });

  test('a redirect is retried, and the error says that it is not followed', () => {
    expect(nextDelivery(answered(302), 1, half)).toMatchObject({
      lastError: 'answered 302; redirects are not followed',
    });
  });

  test('an address that is not allowed ends the delivery, and the error names the setting', () => {
    expect(nextDelivery({ type: 'forbidden' }, 1, half)).toEqual({
      type: 'dead',
      lastStatus: null,
      lastError: 'the address is not allowed (WEBHOOK_ALLOW_NETWORKS)',
    });
  });

  test('a delivery that was cut short is due again at once, even after the last attempt', () => {
    for (const round of [1, attemptsMax, attemptsMax + 5])
      expect(nextDelivery({ type: 'cut' }, round, half)).toMatchObject({ type: 'retry', inMs: 0 });
  });

  test('the tenth failure is the last', () => {
    expect(nextDelivery(answered(500), attemptsMax - 1, half).type).toBe('retry');
    expect(nextDelivery(answered(500), attemptsMax, half)).toMatchObject({ type: 'dead', lastError: 'answered 500' });
    expect(nextDelivery(answered(500), attemptsMax + 1, half).type).toBe('dead');
  });
});

describe('the delay before the next attempt', () => {
  test('has full jitter, and an upper bound that grows from seconds to hours', () => {
    const longest = () => 1 - Number.EPSILON;
    const rounds = Array.from({ length: attemptsMax - 1 }, (_, n) => n + 1);
    const seconds = rounds.map((round) => Math.ceil(backoffMs(round, longest) / 1000));
    expect(seconds).toEqual([5, 20, 80, 320, 1_280, 5_120, 20_480, 28_800, 28_800]);
    expect(rounds.map((round) => backoffMs(round, () => 0))).toEqual(rounds.map(() => 0));
  });

  test('fits all attempts into a day', () => {
    const rounds = Array.from({ length: attemptsMax - 1 }, (_, n) => n + 1);
    expect(rounds.reduce((sum, round) => sum + backoffMs(round, () => 0.999_999), 0)).toBeLessThan(dayMs);
  });

  test('is the one that the receiver asks for if that is longer, up to eight hours', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        fc.double({ min: 0, max: 0.99, noNaN: true }),
        fc.nat(2 ** 50),
        (round, random, asked) => {
          const outcome = nextDelivery(answered(503, asked), round, () => random);
          if (outcome.type !== 'retry') throw new Error('expected another attempt');
          expect(outcome.inMs).toBe(
            Math.min(
              delayMsMax,
              Math.max(
                asked,
                backoffMs(round, () => random),
              ),
            ),
          );
        },
      ),
    );
  });
});
