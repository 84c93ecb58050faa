import type { Clock } from './clock.ts';

/** Calls `late` after `limitMs`; not if `work` has settled by then. */
export function whenLate(clock: Pick<Clock, 'sleep'>, limitMs: number, work: Promise<unknown>, late: () => void): void {
  const settled = new AbortController();
  const settle = () => settled.abort('settled'); // without a reason an error with its stack is made
  work.then(settle, settle);
  clock.sleep(Math.max(0, limitMs), settled.signal).then(late, () => {});
}

/** The result of `work`, which goes on when `limitMs` are over; then this rejects with the error that `late` makes. */
export function unlessLate<T>(
  clock: Pick<Clock, 'sleep'>,
  limitMs: number,
  work: Promise<T>,
  late: () => Error,
): Promise<T> {
  return new Promise((resolve, reject) => {
    whenLate(clock, limitMs, work, () => reject(late()));
    work.then(resolve, reject);
  });
}

/** The result of `work`, which goes on when `signal` aborts; then this rejects with the reason of that. */
export function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    const settle = () => signal.removeEventListener('abort', abort);
    work.then(settle, settle);
    work.then(resolve, reject);
  });
}
