import { isStoreUnavailable } from '../../platform/errors.ts';
import { unavailable } from './errors.ts';

/** Rows in one statement. More would let the first ones wait for long. */
export const rowsMax = 200;
/** Characters in one statement. */
export const charsMax = 4 * 2 ** 20;
/** Characters that wait for their statement. A database with a longer queue is too slow to be used. */
const queuedCharsMax = 128 * 2 ** 20;

/** Dependencies of `createGroupedWrites`. */
export type GroupedWritesDeps<Item, Result> = {
  /** Carries out a group; resolves with a result for each item, in their order. */
  write(items: readonly Item[]): Promise<readonly Result[]>;
  /** The characters that an item adds to its statement. */
  charsOf(item: Item): number;
  /** How many from the front can share one statement: at least one, in their order. */
  lengthOf(items: readonly Item[]): number;
  /** Whether it is unknown after an error if the group was committed. Defaults to `store_unavailable`. */
  mayHaveCommitted?(error: unknown): boolean;
};

type Queued<Item, Result> = { item: Item; resolve: (result: Result) => void; reject: (error: unknown) => void };

/**
 * Groups writes: those that arrive in the same tick of the event loop, or while a group is written, are written together,
 * in the order in which they came. One group is written at a time. A group that fails as a whole is written again one by
 * one, so that only the faulty item fails; not if the group may have been committed.
 */
export function createGroupedWrites<Item, Result>(deps: GroupedWritesDeps<Item, Result>) {
  const { write, charsOf, lengthOf, mayHaveCommitted = isStoreUnavailable } = deps;
  let queued: Queued<Item, Result>[] = [];
  let queuedChars = 0;
  let writing: Promise<void> | null = null;

  const writeGroup = async (group: Queued<Item, Result>[]): Promise<void> => {
    try {
      const results = await write(group.map(({ item }) => item));
      for (const [index, { resolve }] of group.entries()) resolve(results[index] as Result);
    } catch (error) {
      if (group.length === 1 || mayHaveCommitted(error)) for (const { reject } of group) reject(error);
      else for (const each of group) await writeGroup([each]);
    }
  };

  const writeAll = async (): Promise<void> => {
    await new Promise((resolve) => setImmediate(resolve));
    while (queued.length > 0) {
      const length = lengthOf(queued.map(({ item }) => item));
      const group = queued.slice(0, length);
      queued = queued.slice(length);
      for (const { item } of group) queuedChars -= charsOf(item);
      await writeGroup(group);
    }
    writing = null;
  };

  return {
    /** Resolves when the item is written. */
    add(item: Item): Promise<Result> {
      if (queuedChars > queuedCharsMax) return Promise.reject(unavailable(new Error('too many writes wait')));
      return new Promise((resolve, reject) => {
        queued.push({ item, resolve, reject });
        queuedChars += charsOf(item);
        writing ??= writeAll();
      });
    },

    /** Resolves when nothing is queued. */
    written: (): Promise<void> => writing ?? Promise.resolve(),
  };
}

/** How many items from the front fit into one statement, by their number and their length: at least one. */
export function fittingLength(lengths: readonly number[]): number {
  let chars = 0;
  for (const [index, length] of lengths.entries()) {
    chars += length;
    if (index > 0 && (index >= rowsMax || chars > charsMax)) return index;
  }
  return lengths.length;
}
