import { describe, expect, test } from 'vitest';
import { parseRetryAfter, retryAfterRules, retryAfterSeconds } from './retry-after.ts';

describe('Retry-After of another server', () => {
  const nowMs = Date.UTC(2026, 0, 2, 3, 4, 5);

  test('is read as seconds or as a date', () => {
    expect(parseRetryAfter('120', nowMs)).toBe(120_000);
    expect(parseRetryAfter('Fri, 02 Jan 2026 03:05:05 GMT', nowMs)).toBe(60_000);
    expect(parseRetryAfter('Fri, 02 Jan 2026 03:00:00 GMT', nowMs)).toBe(0);
  });

  test.each([undefined, '', '-5', '1e12', 'NaN', 'soon', '1.5', '9'.repeat(40), '2026-01-02', 'x'.repeat(9_999)])(
    'is ignored if it has another form: %s',
    (header) => expect(parseRetryAfter(header, nowMs)).toBeNull(),
  );
});

test('Retry-After has whole seconds, at least one', () => {
  expect([0, 1, 1_000, 1_001].map(retryAfterSeconds)).toEqual([1, 1, 1, 2]);
});

test('an unavailable provider is retried when both its circuit breaker and its own Retry-After allow it', () => {
  expect(retryAfterRules.providerMs(2_000, 7_000)).toBe(7_000);
  expect(retryAfterRules.providerMs(9_000, 7_000)).toBe(9_000);
  expect(retryAfterRules.providerMs(null, null)).toBe(5_000);
});

test('a used-up budget is retried when its day or month ends, never in the past', () => {
  expect(retryAfterRules.budgetMs(5_000, 2_000)).toBe(3_000);
  expect(retryAfterRules.budgetMs(1_000, 2_000)).toBe(0);
});
