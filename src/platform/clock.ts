/**
 * Time as a dependency. Everything that reads the time or sleeps gets a `Clock`, so that tests can control the time.
 */
export type Clock = {
  /** Milliseconds since the Unix epoch; may jump when the machine's clock is set. For timestamps. */
  nowMs(): number;
  /** Milliseconds since an arbitrary start; they never decrease. For durations and deadlines. */
  monotonicMs(): number;
  /** Resolves after `delayMs`, or rejects with the signal's reason as soon as `signal` aborts. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
};

// Node's timers hold 31 bits of ms, 24.8 days; a longer delay would expire at once.
const timerMaxMs = 2 ** 31 - 1;

/** The clock of the machine. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (delayMs, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      let timer: NodeJS.Timeout;
      const arm = (remainingMs: number) => {
        timer = setTimeout(
          () => {
            if (remainingMs > timerMaxMs) return arm(remainingMs - timerMaxMs);
            signal?.removeEventListener('abort', onAbort);
            resolve();
          },
          Math.min(remainingMs, timerMaxMs),
        );
      };
      arm(delayMs);
      signal?.addEventListener('abort', onAbort, { once: true });
    }),
};
