type Group<Waiter> = { waiters: Set<Waiter>; turnsLeft: number };

/**
 * Those who wait, each for a party (such as a tenant). Parties take turns, each with as many in a row as its weight says,
 * 1 by default; within a party it is the order of arrival. A party with many waiters makes itself wait, not others.
 */
export function createFairQueue<Party, Waiter>(weightOf: (party: Party) => number = () => 1) {
  /** In the order of their turns; a party without waiters is not here. */
  const groups = new Map<Party, Group<Waiter>>();
  let size = 0;

  const countOf = (party: Party): number => groups.get(party)?.waiters.size ?? 0;

  /** Takes one out; true if it was there. */
  function remove(party: Party, waiter: Waiter): boolean {
    const group = groups.get(party);
    if (!group?.waiters.delete(waiter)) return false;
    size -= 1;
    if (group.waiters.size === 0) groups.delete(party);
    return true;
  }

  return {
    size: (): number => size,
    /** How many wait for a party. */
    countOf,
    /** How many parties there are. */
    parties: (): number => groups.size,
    remove,

    /** Puts one at the end of its party. */
    add(party: Party, waiter: Waiter): void {
      const group = groups.get(party);
      if (group) group.waiters.add(waiter);
      else groups.set(party, { waiters: new Set([waiter]), turnsLeft: weightOf(party) });
      size += 1;
    },

    /** Takes out the one whose turn it is. */
    next(): Waiter | undefined {
      const [first] = groups;
      if (first === undefined) return undefined;
      const [party, group] = first;
      const [waiter] = group.waiters as Iterable<Waiter> as [Waiter];
      group.turnsLeft -= 1;
      remove(party, waiter);
      if (group.turnsLeft <= 0 && groups.delete(party)) groups.set(party, { ...group, turnsLeft: weightOf(party) });
      return waiter;
    },

    /** Which place in the whole line one more of a party would have, from 1 on, if nobody else came. */
    positionOf(party: Party): number {
      const own = countOf(party) + 1;
      const rounds = Math.ceil(own / weightOf(party));
      let position = own;
      for (const [other, { waiters }] of groups) {
        if (other !== party) position += Math.min(waiters.size, rounds * weightOf(other));
      }
      return position;
    },

    /** Takes out the last of the party that has the most, if one more of `party` still leaves that no worse off. */
    giveWayTo(party: Party): Waiter | undefined {
      const share = (waiting: number, of: Party) => waiting / weightOf(of);
      let most: Party | undefined;
      for (const [other, { waiters }] of groups) {
        if (other === party) continue;
        if (most === undefined || share(waiters.size, other) > share(countOf(most), most)) most = other;
      }
      if (most === undefined || share(countOf(most) - 1, most) < share(countOf(party) + 1, party)) return undefined;
      const last = [...(groups.get(most)?.waiters ?? [])].at(-1) as Waiter;
      remove(most, last);
      return last;
    },

    /** Takes all out. */
    clear(): Waiter[] {
      const all = [...groups.values()].flatMap(({ waiters }) => [...waiters]);
      groups.clear();
      size = 0;
      return all;
    },
  };
}

/** Those who wait, in fair order. */
export type FairQueue<Party, Waiter> = ReturnType<typeof createFairQueue<Party, Waiter>>;
