import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CallTimeouts } from './call-timeouts.ts';

const limits = { connectTimeoutMs: 1_000, firstByteTimeoutMs: 100, idleTimeoutMs: 50, totalTimeoutMs: 1_000 };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function start(streamed = true) {
  const expired: string[] = [];
  const clocks = new CallTimeouts(limits, streamed, ({ clock }) => void expired.push(clock));
  return { clocks, expired };
}

test('the first byte has its own time, and every event after it a new one', () => {
  const { clocks, expired } = start();
  vi.advanceTimersByTime(99);
  for (let event = 0; event < 10; event += 1) {
    clocks.event();
    vi.advanceTimersByTime(49);
  }
  expect(expired).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(expired).toEqual(['idle']);
});

test('while nobody reads, only the total goes on', () => {
  const { clocks, expired } = start();
  clocks.event();
  clocks.pause();
  vi.advanceTimersByTime(500);
  clocks.event();
  vi.advanceTimersByTime(49);
  expect(expired).toEqual([]);
  clocks.pause();
  vi.advanceTimersByTime(451);
  expect(expired).toEqual(['total']);
});

test('one that runs out stops the others, and a stop all of them', () => {
  const overdue = start();
  vi.advanceTimersByTime(5_000);
  expect(overdue.expired).toEqual(['first_byte']);
  const stopped = start();
  stopped.clocks.stop();
  stopped.clocks.event();
  vi.advanceTimersByTime(5_000);
  expect(stopped.expired).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

test('an answer in one piece has the total alone', () => {
  const { expired } = start(false);
  vi.advanceTimersByTime(999);
  expect(expired).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(expired).toEqual(['total']);
});
