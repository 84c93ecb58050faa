/**
 * The home of `Retry-After` (RFC 9110, section 10.2.3). Each kind of refusal has one rule here, in ms; the header has
 * whole seconds. One rule needs more than a formula: a run that is refused for want of a slot gets a return time of its
 * own from `src/runs/admission/retry-after-estimate.ts`, between the two bounds below.
 */
export const retryAfterRules = {
  /** `session_busy`: the run that holds the session may end at any moment. */
  sessionBusyMs: 1_000,
  /** `shutting_down`: another process takes over at once. */
  shuttingDownMs: 1_000,
  /** `store_unavailable`: a failover of the database takes seconds, and clients retry with backoff. */
  storeUnavailableMs: 1_000,
  /** `rate_limited`, where a caller has all its event streams open: one of them has to end first. */
  streamLimitMs: 5_000,
  /** `too_many_runs` by admission: at least this long, and at most; nothing later can be predicted. */
  admissionMsMin: 1_000,
  admissionMsMax: 60_000,
  /** Every other 429 and 503: not all of them know a time. */
  otherMs: 1_000,

  /** `too_many_runs` by load shedding: the delay, and the time after which the event loop has been measured again. */
  eventLoopMs: (delayMs: number): number => 2_000 + delayMs,

  /** `rate_limited`: until the rate limiter (GCRA) would let the request in. */
  rateLimitMs: ({ retryAfterMs }: { retryAfterMs: number }): number => retryAfterMs,

  /** `budget_exceeded`: until the day or the month of the budget ends. */
  budgetMs: (endsAtMs: number, nowMs: number): number => Math.max(0, endsAtMs - nowMs),

  /**
   * `provider_unavailable` and `provider_error`: until a circuit breaker or a rate-limit pause lets a provider be asked
   * again, and as long as the provider itself asked for; 5 s where neither is known.
   */
  providerMs: (admittedInMs: number | null, askedMs: number | null): number =>
    Math.max(admittedInMs ?? 0, askedMs ?? 0) || 5_000,
} as const;

/** The value of the header: whole seconds, at least 1. */
export const retryAfterSeconds = (waitMs: number): number => Math.max(1, Math.ceil(waitMs / 1000));

/** Reads a `Retry-After` that another server sent: whole seconds, or a date. In ms from `nowMs`; null for any other text. */
export function parseRetryAfter(header: string | null | undefined, nowMs: number): number | null {
  if (!header) return null;
  if (/^\d{1,15}$/.test(header)) return Number(header) * 1000;
  const atMs = /^[A-Z][a-z]{2,8},? /.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - nowMs);
}
