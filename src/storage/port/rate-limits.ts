import type { RateDecision, RateLimit } from '../../platform/gcra.ts';

export type { RateDecision, RateLimit };

/** Counts requests against limits. A refused request does not count. */
export interface RateLimiter {
  /** `key` names the counted caller and operation, such as `create:<caller>`. */
  take(key: string, limit: RateLimit): Promise<RateDecision>;
}
