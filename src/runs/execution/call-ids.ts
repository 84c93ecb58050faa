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

  /** Adds an id that was recorded, and therefore is unique already. */
  add(callId: string): void {
    this.#used.add(callId);
  }
}
