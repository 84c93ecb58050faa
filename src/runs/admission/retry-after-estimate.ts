import { retryAfterRules } from '../../platform/http/retry-after.ts';

const { admissionMsMin, admissionMsMax } = retryAfterRules;
/** Flows (such as tenants) whose last time is remembered. */
const flowsMax = 1_000;

/**
 * Computes when refused callers should retry. Each gets a time of its own, as long after the one before as one run needs:
 * a caller that obeys finds a free slot and does not compete with all other refused callers. Each flow has a sequence of
 * its own, so that a flow with many requests delays only itself.
 */
export function createRetryAfterEstimate<Flow>() {
  /** The last time given to each flow, least recently given first. */
  const lastMs = new Map<Flow, number>();

  function forgetPast(nowMs: number): void {
    for (const [flow, atMs] of lastMs) if (atMs <= nowMs) lastMs.delete(flow);
    const [oldest] = lastMs.keys();
    if (lastMs.size >= flowsMax && oldest !== undefined) lastMs.delete(oldest);
  }

  return {
    /**
     * Returns after how many ms the next refused caller of a flow should retry.
     *
     * @param freeInMs when a slot is free for one more caller at the earliest
     * @param everyMs how often a slot becomes free for one more caller after that
     */
    next(flow: Flow, nowMs: number, freeInMs: number, everyMs: number): number {
      forgetPast(nowMs);
      const others = lastMs.size - (lastMs.has(flow) ? 1 : 0);
      const from = Math.max(nowMs + freeInMs, lastMs.get(flow) ?? 0);
      const atMs = Math.min(from + everyMs * (others + 1), nowMs + admissionMsMax);
      lastMs.delete(flow);
      lastMs.set(flow, atMs);
      return Math.max(admissionMsMin, atMs - nowMs);
    },
  };
}

/** Computes when refused callers should retry. */
export type RetryAfterEstimate<Flow> = ReturnType<typeof createRetryAfterEstimate<Flow>>;
