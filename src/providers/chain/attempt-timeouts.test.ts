import { expect, test } from 'vitest';
import { createFakeClock } from '../../../tests/support/fake-clock.ts';
import { createAttemptTimeouts } from './attempt-timeouts.ts';

const limits = { totalMs: 30_000, firstEventMs: 10_000, idleMs: 5_000 };
const kindOf = ({ signal }: { signal: AbortSignal }) =>
  signal.aborted ? (signal.reason as { kind?: string }).kind : 'running';

test('an attempt whose answer does not begin in time is aborted', async () => {
  const clock = createFakeClock();
  const attempt = createAttemptTimeouts(clock)(limits, undefined);
  await clock.advance(9_900);
  expect(kindOf(attempt)).toBe('running');
  await clock.advance(200);
  expect(kindOf(attempt)).toBe('timed_out');
});

test('an attempt that stops in the middle of its answer is aborted', async () => {
  const clock = createFakeClock();
  const attempt = createAttemptTimeouts(clock)(limits, undefined);
  for (let event = 0; event < 4; event += 1) {
    await clock.advance(4_000);
    attempt.eventReceived();
  }
  expect(kindOf(attempt)).toBe('running');
  await clock.advance(5_100);
  expect(kindOf(attempt)).toBe('stalled');
});

test('an attempt that keeps sending events is aborted at the end of its total time', async () => {
  const clock = createFakeClock();
  const attempt = createAttemptTimeouts(clock)(limits, undefined);
  for (let event = 0; event < 8; event += 1) {
    await clock.advance(4_000);
    attempt.eventReceived();
  }
  expect(kindOf(attempt)).toBe('timed_out');
});

test('an attempt whose caller aborts has the reason of its caller', async () => {
  const clock = createFakeClock();
  const caller = new AbortController();
  const attempt = createAttemptTimeouts(clock)(limits, caller.signal);
  const reason = new Error('disconnected');
  caller.abort(reason);
  expect(attempt.signal.reason).toBe(reason);
  expect(createAttemptTimeouts(clock)(limits, caller.signal).signal.reason).toBe(reason);
});

test('the end of the connection is not waited for after the complete answer', async () => {
  const clock = createFakeClock();
  const attempt = createAttemptTimeouts(clock)(limits, undefined);
  attempt.eventReceived();
  attempt.answerCompleted();
  await clock.advance(600);
  expect(attempt.signal.aborted).toBe(true);
});

test('no timer is set when no attempt is under way', async () => {
  const clock = createFakeClock();
  const timeouts = createAttemptTimeouts(clock);
  const [one, two] = [timeouts(limits, undefined), timeouts(limits, undefined)];
  expect(clock.sleeping()).toBe(1);
  one.stop();
  two.stop();
  await clock.advance(100);
  expect(clock.sleeping()).toBe(0);
  timeouts(limits, undefined);
  expect(clock.sleeping()).toBe(1);
});
