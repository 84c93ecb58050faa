type Item = { type?: string; callId?: string };

/** Whether an item has the output of a call: a hosted tool, such as a shell of the provider, gives both in one answer. */
const isOutput = ({ type }: Item): boolean => type?.endsWith('_output') === true;

/** The ids of a run's tool calls, each of which is used once. */
export class CallIds {
  readonly #used = new Set<string>();

  /**
   * An id that no other call of the run has. Servers that count calls from 0 in each answer repeat their ids, and the
   * SDK takes a call with a known id for one that is done.
   */
  unique(callId: string): string {
    let unique = callId;
    for (let n = 2; this.#used.has(unique); n += 1) unique = `${callId}_${n}`;
    this.#used.add(unique);
    return unique;
  }

  /** The items of an answer with ids that no other call of the run has; an output keeps the id of its call. */
  uniqueIn<T extends Item>(output: readonly T[]): T[] {
    const ids = new Map<string, string>();
    return output.map((item) => {
      if (!item.callId) return item;
      const callId = isOutput(item) ? (ids.get(item.callId) ?? item.callId) : this.unique(item.callId);
      ids.set(item.callId, callId);
      return { ...item, callId };
    });
  }

  /** Adds an id that was recorded, and therefore is unique already. */
  add(callId: string): void {
    this.#used.add(callId);
  }
}
