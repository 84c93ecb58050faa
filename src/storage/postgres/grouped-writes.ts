import { ServiceError } from '../../platform/errors.ts';
import { unavailable } from './errors.ts';

/** Rows in one statement. More would let the first ones wait for long. */
export const rowsMax = 200;
/** Characters in one statement. */
export const charsMax = 4 * 2 ** 20;
/** Characters that wait for their statement; a database that is slower for so long cannot do its work. */
const waitingCharsMax = 128 * 2 ** 20;

/** How writes share statements. */
export type GroupedWritesDeps<Item, Result> = {
  /** Carries out a group; resolves with a result for each item, in their order. */
  write(items: readonly Item[]): Promise<readonly Result[]>;
  /** What an item adds to its statement. */
  charsOf(item: Item): number;
  /** How many from the front can share one statement: at least one, in their order. */
  lengthOf(items: readonly Item[]): number;
  /** Whether a failure is the database's, so that nobody knows what happened. Defaults to `store_unavailable`. */
  mayHaveHappened?(error: unknown): boolean;
};

/** Whether the database could not be reached, or could not do its work. */
export const isUnavailable = (error: unknown): boolean =>
  error instanceof ServiceError && error.code === 'store_unavailable';

type Waiting<Item, Result> = { item: Item; resolve: (result: Result) => void; reject: (error: unknown) => void };

/**
 * Groups writes: those that arrive in the same turn of the event loop, or while a group is under way, are written
 * together, in the order in which they came. One group is under way at a time. A group that fails as a whole is written
 * again one by one, so that what is at fault fails alone; not if it may have happened.
 */
export function createGroupedWrites<Item, Result>(deps: GroupedWritesDeps<Item, Result>) {
  const { write, charsOf, lengthOf, mayHaveHappened = isUnavailable } = deps;
  let waiting: Waiting<Item, Result>[] = [];
  let waitingChars = 0;
  let writing: Promise<void> | null = null;

  const writeGroup = async (group: Waiting<Item, Result>[]): Promise<void> => {
    try {
      const results = await write(group.map(({ item }) => item));
      for (const [index, { resolve }] of group.entries()) resolve(results[index] as Result);
    } catch (error) {
      if (group.length === 1 || mayHaveHappened(error)) for (const { reject } of group) reject(error);
      else for (const each of group) await writeGroup([each]);
    }
  };

  const writeAll = async (): Promise<void> => {
    await new Promise((resolve) => setImmediate(resolve));
    while (waiting.length > 0) {
      const length = lengthOf(waiting.map(({ item }) => item));
      const group = waiting.slice(0, length);
      waiting = waiting.slice(length);
      for (const { item } of group) waitingChars -= charsOf(item);
      await writeGroup(group);
    }
    writing = null;
  };

  return {
    /** Resolves when the item is written. */
    add(item: Item): Promise<Result> {
      if (waitingChars > waitingCharsMax) return Promise.reject(unavailable(new Error('too many writes wait')));
      return new Promise((resolve, reject) => {
        waiting.push({ item, resolve, reject });
        waitingChars += charsOf(item);
        writing ??= writeAll();
      });
    },

    /** Resolves when nothing waits to be written. */
    written: (): Promise<void> => writing ?? Promise.resolve(),
  };
}

/** How many from the front fit into one statement, by their number and their length: at least one. */
export function fittingLength(lengths: readonly number[]): number {
  let chars = 0;
  for (const [index, length] of lengths.entries()) {
    chars += length;
    if (index > 0 && (index >= rowsMax || chars > charsMax)) return index;
  }
  return lengths.length;
}
