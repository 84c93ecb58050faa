import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from './clock.ts';

const dayMs = 24 * 60 * 60 * 1000;

describe('a sleep on the clock of the machine', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** Starts a sleep and tracks its state. */
  function startSleep(delayMs: number, signal?: AbortSignal) {
    let state = 'sleeping';
    // tidy: sleep because the clock itself is tested, on timers that stand still
    systemClock.sleep(delayMs, signal).then(
      () => {
        state = 'awake';
      },
      (reason: unknown) => {
        state = `rejected: ${reason}`;
      },
    );
    return { state: () => state };
  }

  test.each([1, 1000, 30 * dayMs, 365 * dayMs])('of %i ms ends after exactly that time', async (delayMs) => {
    const sleep = startSleep(delayMs);
    await vi.advanceTimersByTimeAsync(delayMs - 1);
    expect(sleep.state()).toBe('sleeping');
    await vi.advanceTimersByTimeAsync(1);
    expect(sleep.state()).toBe('awake');
    expect(vi.getTimerCount()).toBe(0);
  });

  test.each([1000, 30 * dayMs])('of %i ms rejects at once when it is aborted, and leaves no timer', async (delayMs) => {
    const controller = new AbortController();
    const sleep = startSleep(delayMs, controller.signal);
    await vi.advanceTimersByTimeAsync(delayMs - 1);
    controller.abort('enough');
    await vi.advanceTimersByTimeAsync(0);
    expect(sleep.state()).toBe('rejected: enough');
    expect(vi.getTimerCount()).toBe(0);
  });

  test('does not begin if its signal is aborted already', async () => {
    const sleep = startSleep(1000, AbortSignal.abort('before'));
    await vi.advanceTimersByTimeAsync(0);
    expect(sleep.state()).toBe('rejected: before');
    expect(vi.getTimerCount()).toBe(0);
  });
});
