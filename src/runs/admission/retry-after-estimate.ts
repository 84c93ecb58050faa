/** Sooner than this nobody is asked to come back, in ms; no answer could say less. */
const soonestMs = 1_000;
/** Later than this nobody is sent away for: what happens then nobody knows. */
const latestMs = 60_000;
/** Parties whose last return is remembered. */
const partiesMax = 1_000;

/**
 * When those who are sent away do well to come back. Each is given a moment of its own, as far from the one before as one
 * run needs: who obeys finds room, and does not meet all the others who were sent away. Every party has a sequence of its
 * own, so that one that asks all the time puts off nobody but itself.
 */
export function createRetryAfterEstimate<Party>() {
  /** The last moment given away to each party, the one given longest ago first. */
  const lastMs = new Map<Party, number>();

  function forgetPast(nowMs: number): void {
    for (const [party, atMs] of lastMs) if (atMs <= nowMs) lastMs.delete(party);
    const [oldest] = lastMs.keys();
    if (lastMs.size >= partiesMax && oldest !== undefined) lastMs.delete(oldest);
  }

  return {
    /**
     * Gives away the next moment and returns how far away it is, in ms.
     *
     * @param roomInMs from when on there is room for one more
     * @param everyMs how often there is room for one more then
     */
    book(party: Party, nowMs: number, roomInMs: number, everyMs: number): number {
      forgetPast(nowMs);
      const others = lastMs.size - (lastMs.has(party) ? 1 : 0);
      const from = Math.max(nowMs + roomInMs, lastMs.get(party) ?? 0);
      const atMs = Math.min(from + everyMs * (others + 1), nowMs + latestMs);
      lastMs.delete(party);
      lastMs.set(party, atMs);
      return Math.max(soonestMs, atMs - nowMs);
    },
  };
}

/** When those who are sent away do well to come back. */
export type RetryAfterEstimate<Party> = ReturnType<typeof createRetryAfterEstimate<Party>>;
