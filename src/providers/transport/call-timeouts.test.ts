import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CallTimeouts } from './call-timeouts.ts';

const limits = { connectTimeoutMs: 1_000, firstByteTimeoutMs: 100, idleTimeoutMs: 50, totalTimeoutMs: 1_000 };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function start(streamed = true) {
  const expired: string[] = [];
  const timers = new CallTimeouts(limits, streamed, ({ clock }) => void expired.push(clock));
  return { timers, expired };
}

test('the first byte has its own timeout, and each event restarts the idle timeout', () => {
  const { timers, expired } = start();
  vi.advanceTimersByTime(99);
  for (let event = 0; event < 10; event += 1) {
    timers.event();
    vi.advanceTimersByTime(49);
  }
  expect(expired).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(expired).toEqual(['idle']);
});

test('while the stream is paused, only the total timer runs', () => {
  const { timers, expired } = start();
  timers.event();
  timers.pause();
  vi.advanceTimersByTime(500);
  timers.event();
  vi.advanceTimersByTime(49);
  expect(expired).toEqual([]);
  timers.pause();
  vi.advanceTimersByTime(451);
  expect(expired).toEqual(['total']);
});

test('a timer that expires stops the others, and a stop ends all timers', () => {
  const overdue = start();
  vi.advanceTimersByTime(5_000);
  expect(overdue.expired).toEqual(['first_byte']);
  const stopped = start();
  stopped.timers.stop();
  stopped.timers.event();
  vi.advanceTimersByTime(5_000);
  expect(stopped.expired).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

test('an answer that is not streamed has only the total timer', () => {
  const { expired } = start(false);
  vi.advanceTimersByTime(999);
  expect(expired).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(expired).toEqual(['total']);
});
