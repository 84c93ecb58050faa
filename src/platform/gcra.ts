/**
 * A limit in the form of GCRA, the generic cell rate algorithm (ITU-T I.371): on average one request every
 * `intervalMs` (more than 0, fractions allowed), and up to `burst` (a whole number, at least 1) at once.
 */
export type RateLimit = { intervalMs: number; burst: number };

/** The decision about one request. Durations are whole ms, rounded up. */
export type RateDecision = {
  allowed: boolean;
  /** Further requests that would be allowed at once. */
  remaining: number;
  /** When one more request is allowed, in ms; 0 if it is already. */
  retryAfterMs: number;
  /** The time until the whole burst is available again, in ms. */
  resetMs: number;
};

// Times are whole numbers of 1/1024 ms. A double holds such multiples exactly for every date until 2248, so sums are not
// rounded, and the last request of a burst is not refused because of a rounding error.
const ticksPerMs = 1024;

/**
 * Decides about one request (ITU-T I.371, annex A, virtual scheduling). A refused request does not count: as long as
 * the clock goes forward, it leaves `tatMs` as it was.
 *
 * The clock may be set back. A `tatMs` further ahead than a whole burst cannot result from this limit at this time, so
 * it is taken for exactly one burst, and the caller waits for one interval instead of the length of the jump. For this to
 * work, keep the returned `tatMs` after a refusal too.
 *
 * @param tatMs the theoretical arrival time that the last decision returned; null for the first request
 * @param nowMs the time in ms, of the same clock as `tatMs`
 * @returns the decision, and the `tatMs` to keep: once it is not later than now, it may be dropped
 * @throws {RangeError} if the limit is not valid
 */
export function decideRate(
  tatMs: number | null,
  nowMs: number,
  { intervalMs, burst }: RateLimit,
): { decision: RateDecision; tatMs: number } {
  if (!(intervalMs > 0 && Number.isFinite(intervalMs)))
    throw new RangeError(`intervalMs is ${intervalMs}, not above 0`);
  if (!(burst >= 1 && Number.isSafeInteger(burst)))
    throw new RangeError(`burst is ${burst}, not a whole number above 0`);
  const now = Math.floor(nowMs * ticksPerMs);
  const interval = Math.ceil(intervalMs * ticksPerMs);
  const capacity = interval * burst;
  const usedBefore = tatMs === null ? 0 : Math.min(Math.max(Math.ceil(tatMs * ticksPerMs) - now, 0), capacity);
  const allowed = usedBefore + interval <= capacity;
  const used = allowed ? usedBefore + interval : usedBefore;
  return {
    decision: {
      allowed,
      remaining: Math.floor((capacity - used) / interval),
      retryAfterMs: toMs(Math.max(0, used + interval - capacity)),
      resetMs: toMs(used),
    },
    tatMs: (now + used) / ticksPerMs,
  };
}

const toMs = (ticks: number) => Math.ceil(ticks / ticksPerMs);
