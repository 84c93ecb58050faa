import { expect, test } from 'vitest';
import { createFakeClock } from '../../../tests/support/fake-clock.ts';
import { createAttemptTimeouts } from './attempt-timeouts.ts';

const limits = { totalMs: 30_000, firstEventMs: 10_000, idleMs: 5_000 };
const kindOf = ({ signal }: { signal: AbortSignal }) =>
  signal.aborted ? (signal.reason as { kind?: string }).kind : 'on';

test('an attempt that does not begin in time is over', async () => {
  const clock = createFakeClock();
  const attempt = createAttemptTimeouts(clock)(limits, undefined);
  await clock.advance(9_900);
  expect(kindOf(attempt)).toBe('on');
  await clock.advance(200);
  expect(kindOf(attempt)).toBe('timed_out');
});

test('one that stops in the middle of its answer is over', async () => {
  const clock = createFakeClock();
  const attempt = createAttemptTimeouts(clock)(limits, undefined);
  for (let event = 0; event < 4; event += 1) {
    await clock.advance(4_000);
    attempt.heard();
  }
  expect(kindOf(attempt)).toBe('on');
  await clock.advance(5_100);
  expect(kindOf(attempt)).toBe('stalled');
});

test('one that goes on and on is over when its whole time is', async () => {
  const clock = createFakeClock();
  const attempt = createAttemptTimeouts(clock)(limits, undefined);
  for (let event = 0; event < 8; event += 1) {
    await clock.advance(4_000);
    attempt.heard();
  }
  expect(kindOf(attempt)).toBe('timed_out');
});

test('one that is over when its caller is has the reason of its caller', async () => {
  const clock = createFakeClock();
  const caller = new AbortController();
  const attempt = createAttemptTimeouts(clock)(limits, caller.signal);
  const reason = new Error('gone');
  caller.abort(reason);
  expect(attempt.signal.reason).toBe(reason);
  expect(createAttemptTimeouts(clock)(limits, caller.signal).signal.reason).toBe(reason);
});

test('the end of a connection is not waited for after the whole answer', async () => {
  const clock = createFakeClock();
  const attempt = createAttemptTimeouts(clock)(limits, undefined);
  attempt.heard();
  attempt.nearlyOver();
  await clock.advance(600);
  expect(attempt.signal.aborted).toBe(true);
});

test('nothing sleeps when no attempt is under way', async () => {
  const clock = createFakeClock();
  const clocks = createAttemptTimeouts(clock);
  const [one, two] = [clocks(limits, undefined), clocks(limits, undefined)];
  expect(clock.sleeping()).toBe(1);
  one.stop();
  two.stop();
  await clock.advance(100);
  expect(clock.sleeping()).toBe(0);
  clocks(limits, undefined);
  expect(clock.sleeping()).toBe(1);
});
