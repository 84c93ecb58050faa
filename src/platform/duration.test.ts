import fc from 'fast-check';
import { expect, test } from 'vitest';
import { describeDuration, parseDuration } from './duration.ts';

const hourMs = 3_600_000;

test.each([
  ['30 days', 720 * hourMs],
  ['1 day', 24 * hourMs],
  ['7d', 168 * hourMs],
  ['12h', 12 * hourMs],
  ['1.5 hours', 1.5 * hourMs],
  ['90 min', 1.5 * hourMs],
  ['5m', 300_000],
  ['45 s', 45_000],
  ['2 Seconds', 2_000],
  ['3600', hourMs],
  [' 0.5 ', 500],
  ['0', 0],
])('%s is parsed', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each(['', 'soon', 'days', '-1 day', '1 fortnight', '1 day 2 hours', '1e3', '.5', '5 d ays', '1,5 h'])(
  '%j is not a duration',
  (text) => {
    expect(parseDuration(text)).toBeNull();
  },
);

test.each([
  [720 * hourMs, '30 days'],
  [24 * hourMs, '1 day'],
  [36 * hourMs, '36 hours'],
  [60_000, '1 minute'],
  [90_000, '90 seconds'],
  [1_500, '1.5 seconds'],
  [0, '0 seconds'],
])('%d ms are formatted in the largest fitting unit', (ms, text) => {
  expect(describeDuration(ms)).toBe(text);
});

test('a formatted duration parses to the same duration', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10 ** 12 }), (ms) => {
      expect(parseDuration(describeDuration(ms))).toBe(ms);
    }),
  );
});
