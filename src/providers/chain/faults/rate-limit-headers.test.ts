import fc from 'fast-check';
import { expect, test } from 'vitest';
import { exhaustedForMs, requestedWaitMs, waitMsMax } from './rate-limit-headers.ts';

const nowMs = Date.parse('2026-01-01T00:00:00Z');
const read = (headers: Record<string, string>) => requestedWaitMs(new Headers(headers), nowMs);

test('the provider’s waiting time is read in each of its forms', () => {
  expect(read({ 'retry-after': '7' })).toBe(7_000);
  expect(read({ 'retry-after': '1.5' })).toBe(1_500);
  expect(read({ 'retry-after-ms': '250', 'retry-after': '7' })).toBe(250);
  expect(read({ 'retry-after': 'Thu, 01 Jan 2026 00:00:09 GMT' })).toBe(9_000);
  expect(read({})).toBeUndefined();
  expect(requestedWaitMs(undefined, nowMs)).toBeUndefined();
});

test('a waiting time that is past, negative or absurd is brought to what makes sense', () => {
  expect(read({ 'retry-after': 'Wed, 31 Dec 2025 00:00:00 GMT' })).toBe(0);
  expect(read({ 'retry-after': '-5' })).toBe(0);
  expect(read({ 'retry-after': '1000000000000' })).toBe(waitMsMax);
  expect(read({ 'retry-after': 'Fri, 01 Jan 2100 00:00:00 GMT' })).toBe(waitMsMax);
});

test('what cannot be understood as a waiting time is none', () => {
  for (const text of ['soon', 'NaN', '']) expect(read({ 'retry-after': text })).toBeUndefined();
  expect(read({ 'retry-after-ms': 'NaN', 'retry-after': '3' })).toBe(3_000);
});

test('whatever a header says, the waiting time is within its bounds', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.double().map(String), fc.date().map(String)), (text) => {
      const waitMs = requestedWaitMs({ get: () => text }, nowMs);
      return waitMs === undefined || (waitMs >= 0 && waitMs <= waitMsMax);
    }),
  );
});

const exhausted = (headers: Record<string, string>) => exhaustedForMs(new Headers(headers));
const requests = (limit: string, remaining: string, reset: string) => ({
  'x-ratelimit-limit-requests': limit,
  'x-ratelimit-remaining-requests': remaining,
  'x-ratelimit-reset-requests': reset,
});

test('an exhausted quota is not used until its reset', () => {
  expect(exhausted(requests('100', '0', '6m0s'))).toBe(360_000);
  expect(exhausted(requests('100', '0', '20ms'))).toBe(20);
  expect(exhausted(requests('100', '0', '1.5'))).toBe(1_500);
  expect(
    exhausted({
      ...requests('100', '0', '2s'),
      'x-ratelimit-limit-tokens': '1000',
      'x-ratelimit-remaining-tokens': '0',
      'x-ratelimit-reset-tokens': '5s',
    }),
  ).toBe(5_000);
});

test('a quota that has something left is no reason to wait', () => {
  expect(exhausted(requests('100', '1', '6m0s'))).toBe(0);
  expect(exhausted({})).toBe(0);
});

test('limits that are not above zero, as Azure sends them, are ignored', () => {
  expect(exhausted(requests('-1', '-1', '1s'))).toBe(0);
  expect(exhausted(requests('0', '0', '1s'))).toBe(0);
  expect(exhausted(requests('100', '0', 'soon'))).toBe(0);
});
