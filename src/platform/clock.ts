/**
 * Time, as a parameter. Everything that reads the time or waits receives a `Clock`, so that a test can move it.
 */
export type Clock = {
  /** Milliseconds since the Unix epoch; may jump when the machine's clock is set. For timestamps. */
  nowMs(): number;
  /** Milliseconds that only ever grow, from an arbitrary start. For durations and deadlines. */
  monotonicMs(): number;
  /** Resolves after `delayMs`, or rejects with the signal's reason as soon as `signal` aborts. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
};

// Node's timers hold 31 bits of ms, 24.8 days; a longer delay would end at once.
const timerMaxMs = 2 ** 31 - 1;

/** The machine's clock. */
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
      const arm = (leftMs: number) => {
        timer = setTimeout(
          () => {
            if (leftMs > timerMaxMs) return arm(leftMs - timerMaxMs);
            signal?.removeEventListener('abort', onAbort);
            resolve();
          },
          Math.min(leftMs, timerMaxMs),
        );
      };
      arm(delayMs);
      signal?.addEventListener('abort', onAbort, { once: true });
    }),
};
