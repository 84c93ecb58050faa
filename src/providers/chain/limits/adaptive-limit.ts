import { createPrioritySemaphore } from './priority-semaphore.ts';

/** From so many input tokens a minute on a provider asks for a slow ramp, and for at most half as much again in this time. */
const rampFromTokens = 1_000_000;
const rampMs = 15 * 60_000;
const rampFactor = 1.5;
const minuteMs = 60_000;

/** Input tokens of the last whole minute, or of this one if it has more. */
function createTokenRate(nowMs: () => number) {
  let minute = 0;
  let before = 0;
  let now = 0;
  const turn = () => {
    const current = Math.floor(nowMs() / minuteMs);
    if (current === minute) return;
    before = current === minute + 1 ? now : 0;
    now = 0;
    minute = current;
  };
  return {
    add(tokens: number): void {
      turn();
      now += tokens;
    },
    perMinute(): number {
      turn();
      return Math.max(before, now);
    },
  };
}

/**
 * Calls of one deployment at a time, halved when the provider asks to slow down and raised by one after each round of
 * that many answers (additive increase, multiplicative decrease); where much is sent, by no more than half in a quarter
 * of an hour, since a ramp that was too steep is what the provider complains of. Without such a word there is no limit.
 *
 * @param nowMs the monotonic clock
 */
export function createAdaptiveLimit(nowMs: () => number) {
  const gate = createPrioritySemaphore();
  const input = createTokenRate(nowMs);
  let answers = 0;
  let neededMax = Number.POSITIVE_INFINITY;
  let slowedTo = { limit: 1, atMs: 0 };

  /** Whether the ramp allows so many calls at a time by now. */
  function allows(limit: number): boolean {
    if (input.perMinute() < rampFromTokens) return true;
    return limit <= slowedTo.limit * rampFactor ** ((nowMs() - slowedTo.atMs) / rampMs);
  }

  return {
    gate,

    /** The provider asks to slow down. */
    slowDown(): void {
      if (gate.limit() === Number.POSITIVE_INFINITY) neededMax = gate.used();
      const limit = Math.max(1, Math.floor(Math.min(gate.used(), gate.limit()) / 2));
      gate.setLimit(limit);
      slowedTo = { limit, atMs: nowMs() };
      answers = 0;
    },

    /** A call was answered, which had so many tokens of input. */
    answered(inputTokens: number): void {
      input.add(inputTokens);
      const limit = gate.limit();
      if (limit === Number.POSITIVE_INFINITY) return;
      answers += 1;
      if (answers < limit) return;
      answers = 0;
      if (!allows(limit + 1)) return;
      // What was too much before is behind: twice that without a further word, and the limit is off.
      gate.setLimit(limit + 1 > 2 * neededMax ? Number.POSITIVE_INFINITY : limit + 1);
    },
  };
}

/** See `createAdaptiveLimit`. */
export type AdaptiveLimit = ReturnType<typeof createAdaptiveLimit>;
