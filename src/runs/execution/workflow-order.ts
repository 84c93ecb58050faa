/**
 * The order in which a workflow's code learns of the results of its work. In an execution that repeats recorded work it is
 * the order in which that work ended before, and new results come after: so the code takes the same branches, whatever
 * the time that a replay takes.
 *
 * Results are given one at a time, each once the code has reacted to the one before it. Recorded work that the code does
 * not begin any more is not waited for.
 */
export class ResultOrder {
  /** The keys of recorded work, in the order in which it ended, as far as it was not given yet. */
  readonly #expected: Set<string>;
  /** Recorded work that has begun and not ended. */
  readonly #replaying = new Set<string>();
  /** What gives the results that have come, in the order in which they came. */
  readonly #held = new Map<string, () => void>();
  #isScheduled = false;

  /** @param recorded the keys of recorded work, in the order in which it ended */
  constructor(recorded: readonly string[]) {
    this.#expected = new Set(recorded);
  }

  /** Work has begun. */
  begun(key: string): void {
    if (this.#expected.has(key)) this.#replaying.add(key);
  }

  /** Work has ended. Resolves when it is its turn. */
  async ended(key: string): Promise<void> {
    this.#replaying.delete(key);
    if (this.#expected.size === 0 && this.#held.size === 0) return;
    await new Promise<void>((give) => {
      this.#held.set(key, give);
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#giveNext();
    });
  }

  #giveNext(): void {
    const key = this.#next();
    if (key === undefined) return;
    const give = this.#held.get(key);
    this.#held.delete(key);
    this.#expected.delete(key);
    give?.();
    if (this.#held.size > 0) this.#schedule();
  }

  /** The key of the result that is due; undefined while that is on its way. */
  #next(): string | undefined {
    const [due] = this.#expected;
    if (due !== undefined && this.#held.has(due)) return due;
    if (this.#replaying.size > 0) return undefined;
    const [first] = this.#held.keys();
    return [...this.#expected].find((key) => this.#held.has(key)) ?? first;
  }
}
