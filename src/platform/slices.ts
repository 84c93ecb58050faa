import { setImmediate } from 'node:timers/promises';

/** Work that yields wherever others may have their turn, so that none of its pieces holds the event loop for long. */
export type Slices<T> = Generator<void, T>;

/** Does the work, with a turn of the event loop after each of its pieces. */
export async function inSlices<T>(work: Slices<T>): Promise<T> {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
    await setImmediate();
  }
}

/** Does the work in one go. */
export function atOnce<T>(work: Slices<T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}
