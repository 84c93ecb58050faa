import { expect, test } from 'vitest';
import type { Clock } from '../../platform/clock.ts';
import { waitFrom } from './required-action.ts';

test('a person has exactly the time that is set, also where the clock moves on while that is worked out', () => {
  let nowMs = 1_000;
  const clock: Pick<Clock, 'nowMs'> = { nowMs: () => nowMs++ };
  const { requested_at, expires_at } = waitFrom(clock, 60_000);
  expect([requested_at, expires_at]).toEqual(['1970-01-01T00:00:01.000Z', '1970-01-01T00:01:01.000Z']);
});
