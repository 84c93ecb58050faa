import type { Clock } from '../platform/clock.ts';
import { decideRate } from '../platform/gcra.ts';
import type { RateLimiter } from '../storage/port/index.ts';

/** Dependencies of the rate limiter. */
export type MemoryRateLimiterDeps = {
  clock: Clock;
  /** Callers in memory at most, about 200 bytes each with its name. Defaults to 100,000. */
  keysMax?: number;
};

/** A rate limiter in the memory of this process. */
export type MemoryRateLimiter = RateLimiter & {
  /** The number of callers in memory; never more than `keysMax`. */
  keysCount(): number;
};

/** Keys with a full burst that one request evicts at most, so that no single request pays for all of them. */
const evictedPerRequestMax = 2;

/**
 * Counts requests in memory, for a store that only one process uses. Time is the monotonic clock, which is
 * never set back. A key is evicted once its whole burst is available again, which changes no decision. If `keysMax` callers
 * are in memory and a new one arrives, the least recently seen one is evicted, and has its whole burst again.
 */
export function createMemoryRateLimiter({ clock, keysMax = 100_000 }: MemoryRateLimiterDeps): MemoryRateLimiter {
  /** Theoretical arrival times, in the order of the last request: a Map keeps the order of insertion. */
  const tatsMs = new Map<string, number>();

  const evict = (nowMs: number) => {
    let evicted = 0;
    for (const [key, tatMs] of tatsMs) {
      if (tatsMs.size <= keysMax && (tatMs > nowMs || evicted === evictedPerRequestMax)) return;
      tatsMs.delete(key);
      evicted += 1;
    }
  };

  return {
    async take(key, limit) {
      const nowMs = clock.monotonicMs();
      const { decision, tatMs } = decideRate(tatsMs.get(key) ?? null, nowMs, limit);
      tatsMs.delete(key);
      tatsMs.set(key, tatMs);
      evict(nowMs);
      return decision;
    },
    keysCount: () => tatsMs.size,
  };
}
