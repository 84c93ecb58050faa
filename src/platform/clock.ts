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
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      }, delayMs);
      signal?.addEventListener('abort', onAbort, { once: true });
    }),
};
