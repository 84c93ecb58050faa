/**
 * A limit in the form of GCRA, the generic cell rate algorithm (ITU-T I.371): on average one request every
 * `intervalMs`, and up to `burst` at once.
 */
export type RateLimit = { intervalMs: number; burst: number };

/** The outcome of one request against a limit. */
export type RateDecision = {
  allowed: boolean;
  /** Requests that would be allowed right now, after this one. */
  remaining: number;
  /** When one more request is allowed, in ms; 0 if it is already. */
  retryAfterMs: number;
  /** When the whole burst is there again, in ms. */
  resetMs: number;
};

/** Counts requests against limits. A refused request does not count. */
export interface RateLimiter {
  /** `key` names who is counted for what, such as `create:<caller>`. */
  take(key: string, limit: RateLimit): Promise<RateDecision>;
}
