import type { Clock } from '../platform/clock.ts';
import { decide } from '../platform/gcra.ts';
import type { RateLimiter } from '../storage/port/index.ts';

/** What the limiter in memory is made from. */
export type MemoryRateLimiterDeps = {
  clock: Clock;
  /** Callers that are remembered at most, about 200 bytes each with its name. Defaults to 100,000. */
  keysMax?: number;
};

/** A rate limiter in this process's memory. */
export type MemoryRateLimiter = RateLimiter & {
  /** How many callers it remembers at the moment; never more than `keysMax`. */
  keysCount(): number;
};

/** How many forgotten-about keys one request clears away at most, so that no request pays for all of them. */
const clearedPerRequestMax = 2;

/**
 * Counts requests in memory, for a store that only one process uses. Time is the monotonic clock, which nobody sets
 * back. A key is forgotten once its whole burst is there again, which changes no answer. When `keysMax` callers are
 * remembered and a new one comes, the one that was away longest is forgotten, and has its whole burst again.
 */
export function createMemoryRateLimiter({ clock, keysMax = 100_000 }: MemoryRateLimiterDeps): MemoryRateLimiter {
  /** Theoretical arrival times, ordered by the last request: a Map keeps the order of insertion. */
  const tatsMs = new Map<string, number>();

  const clear = (nowMs: number) => {
    let cleared = 0;
    for (const [key, tatMs] of tatsMs) {
      if (tatsMs.size <= keysMax && (tatMs > nowMs || cleared === clearedPerRequestMax)) return;
      tatsMs.delete(key);
      cleared += 1;
    }
  };

  return {
    async take(key, limit) {
      const nowMs = clock.monotonicMs();
      const { decision, tatMs } = decide(tatsMs.get(key) ?? null, nowMs, limit);
      tatsMs.delete(key);
      tatsMs.set(key, tatMs);
      clear(nowMs);
      return decision;
    },
    keysCount: () => tatsMs.size,
  };
}
