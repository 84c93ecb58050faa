/** What is counted, in ms, and in how many parts it is forgotten. */
const windowMs = 120_000;
const parts = 12;
const partMs = windowMs / parts;
/** Retries are at most this share of the requests in the window (Google, "Site Reliability Engineering", ch. 21). */
export const retryShareMax = 0.1;
/** As many are granted in any case, so that a service with few requests retries too. */
export const retriesFloor = 10;

/**
 * Bounds the retries of one provider to a share of its recent requests, so that an outage does not multiply the load on
 * it. A request counts before it is made. Everything is done in constant time.
 */
export function createRetryBudget(nowMs: () => number) {
  const requests = new Array<number>(parts).fill(0);
  const retries = new Array<number>(parts).fill(0);
  let part = Math.floor(nowMs() / partMs);
  let requestsSum = 0;
  let retriesSum = 0;

  /** Forgets the parts that have left the window since the last look. */
  function forget(): void {
    const current = Math.floor(nowMs() / partMs);
    for (let gone = Math.min(current - part, parts); gone > 0; gone -= 1) {
      part = current - gone + 1;
      const index = ((part % parts) + parts) % parts;
      requestsSum -= requests[index] ?? 0;
      retriesSum -= retries[index] ?? 0;
      requests[index] = 0;
      retries[index] = 0;
    }
    part = current;
  }

  const add = (counts: number[]) => {
    const index = ((part % parts) + parts) % parts;
    counts[index] = (counts[index] ?? 0) + 1;
  };

  const hasLeft = (): boolean => {
    forget();
    return retriesSum < Math.max(retriesFloor, requestsSum * retryShareMax);
  };

  return {
    /** A request is about to be made that is no retry. */
    request(): void {
      forget();
      add(requests);
      requestsSum += 1;
    },
    /** Whether a retry would be granted. */
    hasLeft,
    /** Takes a retry if there is one left. */
    take(): boolean {
      if (!hasLeft()) return false;
      add(retries);
      retriesSum += 1;
      return true;
    },
  };
}

/** See `createRetryBudget`. */
export type RetryBudget = ReturnType<typeof createRetryBudget>;
