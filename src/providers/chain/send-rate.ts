import { createGate } from './gate.ts';

/**
 * Calls of one deployment at a time, halved when the provider asks to slow down and raised by one after each round of
 * that many answers (additive increase, multiplicative decrease). Without such a word there is no limit.
 */
export function createSendRate() {
  const gate = createGate();
  let answers = 0;
  let neededMax = Number.POSITIVE_INFINITY;

  return {
    gate,

    /** The provider asks to slow down. */
    slowDown(): void {
      if (gate.limit() === Number.POSITIVE_INFINITY) neededMax = gate.used();
      gate.setLimit(Math.max(1, Math.floor(Math.min(gate.used(), gate.limit()) / 2)));
      answers = 0;
    },

    /** A call was answered. */
    answered(): void {
      const limit = gate.limit();
      if (limit === Number.POSITIVE_INFINITY) return;
      answers += 1;
      if (answers < limit) return;
      answers = 0;
      // What was too much before is behind: twice that without a further word, and the limit is off.
      gate.setLimit(limit + 1 > 2 * neededMax ? Number.POSITIVE_INFINITY : limit + 1);
    },
  };
}

/** See `createSendRate`. */
export type SendRate = ReturnType<typeof createSendRate>;
