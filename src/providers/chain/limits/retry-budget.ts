/** The sliding window in which requests are counted, in ms, and the buckets in which it slides. */
const windowMs = 120_000;
const buckets = 12;
const bucketMs = windowMs / buckets;
/** Retries are at most this share of the requests in the window (Google, "Site Reliability Engineering", ch. 21). */
export const retryShareMax = 0.1;
/** This many retries are granted in any case, so that a service with few requests retries too. */
export const retriesFloor = 10;

const indexOf = (bucket: number): number => ((bucket % buckets) + buckets) % buckets;

/**
 * Bounds the retries of one provider to a share of its recent requests, so that an outage does not multiply the load on
 * it. A request counts before it is made. All operations take constant time.
 */
export function createRetryBudget(nowMs: () => number) {
  const requests = new Array<number>(buckets).fill(0);
  const retries = new Array<number>(buckets).fill(0);
  let bucket = Math.floor(nowMs() / bucketMs);
  let requestsSum = 0;
  let retriesSum = 0;

  /** Clears the buckets that have left the window since the last call. */
  function slideWindow(): void {
    const current = Math.floor(nowMs() / bucketMs);
    for (let expired = Math.min(current - bucket, buckets); expired > 0; expired -= 1) {
      bucket = current - expired + 1;
      const index = indexOf(bucket);
      requestsSum -= requests[index] ?? 0;
      retriesSum -= retries[index] ?? 0;
      requests[index] = 0;
      retries[index] = 0;
    }
    bucket = current;
  }

  const add = (counts: number[]) => {
    const index = indexOf(bucket);
    counts[index] = (counts[index] ?? 0) + 1;
  };

  const hasLeft = (): boolean => {
    slideWindow();
    return retriesSum < Math.max(retriesFloor, requestsSum * retryShareMax);
  };

  return {
    /** Counts a request that is about to be made and is no retry. */
    request(): void {
      slideWindow();
      add(requests);
      requestsSum += 1;
    },
    /** Whether a retry would be granted. */
    hasLeft,
    /** Takes a retry if one is left. */
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

/** The retry budgets of providers, by their names. */
export function createRetryBudgets(nowMs: () => number) {
  const budgets = new Map<string, RetryBudget>();
  return (provider: string): RetryBudget => {
    let found = budgets.get(provider);
    if (!found) {
      found = createRetryBudget(nowMs);
      budgets.set(provider, found);
    }
    return found;
  };
}
