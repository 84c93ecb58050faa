/** Shortest time, in ms: `Retry-After` cannot be less than a second. */
const soonestMs = 1_000;
/** Longest time, in ms: the load after that cannot be predicted. */
const latestMs = 60_000;
/** Parties (such as tenants) whose last time is remembered. */
const partiesMax = 1_000;

/**
 * Computes when refused callers should retry. Each gets a time of its own, as long after the one before as one run needs:
 * a caller that obeys finds a free slot and does not compete with all other refused callers. Each party has a sequence of
 * its own, so that a party with many requests delays only itself.
 */
export function createRetryAfterEstimate<Party>() {
  /** The last time given to each party, least recently given first. */
  const lastMs = new Map<Party, number>();

  function forgetPast(nowMs: number): void {
    for (const [party, atMs] of lastMs) if (atMs <= nowMs) lastMs.delete(party);
    const [oldest] = lastMs.keys();
    if (lastMs.size >= partiesMax && oldest !== undefined) lastMs.delete(oldest);
  }

  return {
    /**
     * Returns after how many ms the next refused caller of a party should retry.
     *
     * @param roomInMs when a slot is free for one more caller at the earliest
     * @param everyMs how often a slot becomes free for one more caller after that
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

/** Computes when refused callers should retry. */
export type RetryAfterEstimate<Party> = ReturnType<typeof createRetryAfterEstimate<Party>>;
