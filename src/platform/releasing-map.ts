/**
 * A map for values that are added and deleted often. It keeps nothing of a deleted value reachable.
 *
 * A `Map` does, for a while. With many additions and deletions it outgrows its table again and again. Each outgrown table
 * keeps its entries and the link to the next one (`OrderedHashTable::Rehash` in V8's `src/objects/ordered-hash-table.cc`).
 * Once one of them is in the old generation, all later ones follow it there, with everything that they refer to: each run
 * would be copied twice before a full collection finds that it is garbage. So the table of this map refers to each value by
 * a cell that is emptied when the value is deleted.
 */
export function createReleasingMap<Key extends string | number, Value>() {
  const cells = new Map<Key, { value: Value | undefined }>();

  /** Returns whether the key was there. */
  function remove(key: Key): boolean {
    const cell = cells.get(key);
    if (cell === undefined) return false;
    cell.value = undefined;
    return cells.delete(key);
  }

  return {
    size: (): number => cells.size,
    get: (key: Key): Value | undefined => cells.get(key)?.value,

    /** Adds a value, or replaces the one with the same key; it becomes the last in the order. */
    set(key: Key, value: Value): void {
      remove(key);
      cells.set(key, { value });
    },

    delete: remove,

    /** All values, in the order in which they were added; values may be deleted meanwhile. */
    *values(): IterableIterator<Value> {
      for (const { value } of cells.values()) if (value !== undefined) yield value;
    },
  };
}

/** See `createReleasingMap`. */
export type ReleasingMap<Key extends string | number, Value> = ReturnType<typeof createReleasingMap<Key, Value>>;
