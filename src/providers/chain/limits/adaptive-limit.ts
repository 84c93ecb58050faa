import { createPrioritySemaphore } from './priority-semaphore.ts';

/** From this many input tokens a minute on, providers ask for a slow ramp: by at most `rampFactor` in `rampMs`. */
const rampFromTokens = 1_000_000;
const rampMs = 15 * 60_000;
const rampFactor = 1.5;
const minuteMs = 60_000;

/** Counts input tokens: those of the last whole minute, or those of the current minute if they are more. */
function createTokenRate(nowMs: () => number) {
  let minute = 0;
  let previous = 0;
  let current = 0;
  const advance = () => {
    const nowMinute = Math.floor(nowMs() / minuteMs);
    if (nowMinute === minute) return;
    previous = nowMinute === minute + 1 ? current : 0;
    current = 0;
    minute = nowMinute;
  };
  return {
    add(tokens: number): void {
      advance();
      current += tokens;
    },
    perMinute(): number {
      advance();
      return Math.max(previous, current);
    },
  };
}

/**
 * The concurrency limit of one deployment (additive increase, multiplicative decrease). It is halved when the provider
 * asks to slow down, and raised by one after as many answers as the limit. Above a million input tokens a minute it grows
 * by at most half in 15 minutes, since a ramp that is too steep is what the provider complains of. Until the provider
 * asks to slow down, there is no limit.
 *
 * @param nowMs the monotonic clock
 */
export function createAdaptiveLimit(nowMs: () => number) {
  const semaphore = createPrioritySemaphore();
  const inputTokenRate = createTokenRate(nowMs);
  let answers = 0;
  let usedBeforeLimit = Number.POSITIVE_INFINITY;
  let slowedDown = { limit: 1, atMs: 0 };

  /** Whether the ramp allows this limit by now. */
  function rampAllows(limit: number): boolean {
    if (inputTokenRate.perMinute() < rampFromTokens) return true;
    return limit <= slowedDown.limit * rampFactor ** ((nowMs() - slowedDown.atMs) / rampMs);
  }

  return {
    semaphore,

    /** The provider asks to slow down. */
    slowDown(): void {
      if (semaphore.limit() === Number.POSITIVE_INFINITY) usedBeforeLimit = semaphore.used();
      const limit = Math.max(1, Math.floor(Math.min(semaphore.used(), semaphore.limit()) / 2));
      semaphore.setLimit(limit);
      slowedDown = { limit, atMs: nowMs() };
      answers = 0;
    },

    /** A call with this many input tokens was answered. */
    answered(inputTokens: number): void {
      inputTokenRate.add(inputTokens);
      const limit = semaphore.limit();
      if (limit === Number.POSITIVE_INFINITY) return;
      answers += 1;
      if (answers < limit) return;
      answers = 0;
      if (!rampAllows(limit + 1)) return;
      // At twice the concurrency that was too much before, without a further request to slow down, the limit is lifted.
      semaphore.setLimit(limit + 1 > 2 * usedBeforeLimit ? Number.POSITIVE_INFINITY : limit + 1);
    },
  };
}

/** See `createAdaptiveLimit`. */
export type AdaptiveLimit = ReturnType<typeof createAdaptiveLimit>;
