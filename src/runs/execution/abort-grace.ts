import type { Clock } from '../../platform/clock.ts';

/** How long code has to stop after an abort before its run is recorded without it, in ms. */
const abortGraceMs = 500;

/**
 * The result of `working`. Rejects with the reason of `signal` if that has aborted and `working` does not stop by itself
 * within a grace period: tools may ignore their signal, and the run's caller does not wait for them.
 */
export function withAbortGrace<T>(working: Promise<T>, signal: AbortSignal, clock: Clock): Promise<T> {
  return new Promise((resolve, reject) => {
    const startGrace = () => void clock.sleep(abortGraceMs).then(() => reject(signal.reason));
    const removeListener = () => signal.removeEventListener('abort', startGrace);
    signal.addEventListener('abort', startGrace, { once: true });
    working.then(
      (result) => {
        removeListener();
        resolve(result);
      },
      (error: unknown) => {
        removeListener();
        reject(error);
      },
    );
  });
}
