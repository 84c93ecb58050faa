import { expect, test } from 'vitest';
import type { Clock } from '../../platform/clock.ts';
import { waitFrom } from './required-action.ts';

test('a wait expires exactly after the configured time, even if the clock advances while it is computed', () => {
  let nowMs = 1_000;
  const clock: Pick<Clock, 'nowMs'> = { nowMs: () => nowMs++ };
  const { requested_at, expires_at } = waitFrom(clock, 60_000);
  expect([requested_at, expires_at]).toEqual(['1970-01-01T00:00:01.000Z', '1970-01-01T00:01:01.000Z']);
});
