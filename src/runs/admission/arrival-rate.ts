/** Arrivals are counted in spans of so long, in ms. */
const spanMs = 5_000;
/** So many spans are looked at: a minute. */
const spansMax = 12;

type Span = { arrived: number; returning: number };

/**
 * How many ask for a place in a given time, apart from those who come back because they were told to. It is the median
 * of some spans of time, so that a single burst, whose runs are in line or were sent away, is not taken for what comes.
 */
export function createArrivalRate() {
  const spans = new Map<number, Span>();
  let firstSpan: number | null = null;

  const spanAt = (atMs: number): Span => {
    const number = Math.floor(atMs / spanMs);
    const span = spans.get(number) ?? { arrived: 0, returning: 0 };
    spans.set(number, span);
    return span;
  };

  return {
    /** Somebody asks. */
    arrived(nowMs: number): void {
      const now = Math.floor(nowMs / spanMs);
      firstSpan ??= now;
      if (!spans.has(now)) for (const number of spans.keys()) if (number < now - spansMax) spans.delete(number);
      spanAt(nowMs).arrived += 1;
    },

    /** Somebody was told to come back at that moment. */
    returns(atMs: number): void {
      spanAt(atMs).returning += 1;
    },

    /** How many come in a ms, from the spans that are over; 0 before the first one is. */
    perMs(nowMs: number): number {
      const now = Math.floor(nowMs / spanMs);
      const counts: number[] = [];
      for (let number = Math.max(firstSpan ?? now, now - spansMax); number < now; number += 1) {
        const { arrived, returning } = spans.get(number) ?? { arrived: 0, returning: 0 };
        counts.push(Math.max(0, arrived - returning));
      }
      counts.sort((a, b) => a - b);
      return (counts[Math.floor(counts.length / 2)] ?? 0) / spanMs;
    },
  };
}

/** How many ask for a place in a given time. */
export type ArrivalRate = ReturnType<typeof createArrivalRate>;
