/** Length of the spans in which arrivals are counted, in ms. */
const spanMs = 5_000;
/** Spans that the rate is computed from: a minute. */
const spansMax = 12;

type Span = { arrived: number; retrying: number };

/**
 * The rate of new requests for a slot, without retries of refused callers. It is the median of several spans, so that it
 * ignores a single burst: the runs of the burst are queued or were refused already.
 */
export function createArrivalRate() {
  const spans = new Map<number, Span>();
  let firstSpan: number | null = null;

  const spanAt = (atMs: number): Span => {
    const number = Math.floor(atMs / spanMs);
    const span = spans.get(number) ?? { arrived: 0, retrying: 0 };
    spans.set(number, span);
    return span;
  };

  return {
    /** Counts a request. */
    arrived(nowMs: number): void {
      const now = Math.floor(nowMs / spanMs);
      firstSpan ??= now;
      if (!spans.has(now)) for (const number of spans.keys()) if (number < now - spansMax) spans.delete(number);
      spanAt(nowMs).arrived += 1;
    },

    /** Announces the retry of a refused caller at that time. It is not counted as a new request. */
    retries(atMs: number): void {
      spanAt(atMs).retrying += 1;
    },

    /** New requests per ms, from the spans that are over; 0 before the first one is. */
    perMs(nowMs: number): number {
      const now = Math.floor(nowMs / spanMs);
      const counts: number[] = [];
      for (let number = Math.max(firstSpan ?? now, now - spansMax); number < now; number += 1) {
        const { arrived, retrying } = spans.get(number) ?? { arrived: 0, retrying: 0 };
        counts.push(Math.max(0, arrived - retrying));
      }
      counts.sort((a, b) => a - b);
      return (counts[Math.floor(counts.length / 2)] ?? 0) / spanMs;
    },
  };
}

/** The rate of new requests for a slot. */
export type ArrivalRate = ReturnType<typeof createArrivalRate>;
