import { setImmediate } from 'node:timers/promises';

/** Work that yields wherever others may have their turn, so that none of its pieces holds the event loop for long. */
export type Slices<T> = Generator<void, T>;

/** Lets others have their turn: what is next is not done in the turn in which this is called, not even at its end. */
export async function giveWay(): Promise<void> {
  await setImmediate(); // at the end of this turn
  await setImmediate();
}

/** Does the work, with a turn of the event loop before, between and after its pieces. */
export async function inSlices<T>(work: Slices<T>): Promise<T> {
  await giveWay();
  for (;;) {
    const { done, value } = work.next();
    await setImmediate();
    if (done) return value;
  }
}

/** Does the work in one go. */
export function atOnce<T>(work: Slices<T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}
