/**
 * Who is there, by key, where many come and go: it keeps nothing of those who have left.
 *
 * A `Map` does, for a while. Members that come and go have it outgrow its table again and again; each outgrown table
 * keeps its entries and the way to the next one (`OrderedHashTable::Rehash` in V8's `src/objects/ordered-hash-table.cc`),
 * and once one of them is in the old generation, all that come later follow it there, with all they refer to: each run
 * would be copied twice before a full collection finds that it was garbage. So the table refers to members by a cell that
 * is emptied when they leave.
 */
export function createReleasingMap<Key extends string | number, Member>() {
  const cells = new Map<Key, { member: Member | undefined }>();

  /** Whether somebody was there. */
  function leave(key: Key): boolean {
    const cell = cells.get(key);
    if (cell === undefined) return false;
    cell.member = undefined;
    return cells.delete(key);
  }

  return {
    size: (): number => cells.size,
    get: (key: Key): Member | undefined => cells.get(key)?.member,

    /** Adds a member, in the place of one with the same key. */
    set(key: Key, member: Member): void {
      leave(key);
      cells.set(key, { member });
    },

    delete: leave,

    /** All who are there, in the order in which they came; one may leave meanwhile. */
    *values(): IterableIterator<Member> {
      for (const { member } of cells.values()) if (member !== undefined) yield member;
    },
  };
}

/** See `createReleasingMap`. */
export type ReleasingMap<Key extends string | number, Member> = ReturnType<typeof createReleasingMap<Key, Member>>;
