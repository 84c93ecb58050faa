import { fullJitterMs } from '../platform/backoff.ts';
import type { DeliveryOutcome } from '../storage/port/index.ts';

/** The most attempts of a delivery, over about a day; then it is given up. */
export const attemptsMax = 10;
/** The upper bound of the first delay, in ms; it is multiplied by four after each attempt. */
export const firstDelayMsMax = 5_000;
/** The upper bound of all delays, in ms, also of a delay that the receiver asks for. */
export const delayMsMax = 8 * 3_600_000;

/**
 * The result of an attempt: an answer, no answer, an address that is not allowed, or `cut`: this process ended before
 * there was a result.
 */
export type Attempt =
  | { type: 'answered'; status: number; retryAfterMs: number | null }
  | { type: 'failed'; reason: string }
  | { type: 'forbidden' }
  | { type: 'cut' };

const goneStatus = 410;

/** The delay before the next attempt, in ms. `round` counts attempts from 1. */
export const backoffMs = (round: number, random: () => number): number =>
  fullJitterMs(round, random(), { baseMs: firstDelayMsMax, maxMs: delayMsMax, factor: 4 });

/**
 * Decides what happens after an attempt. Any 2xx is a success. The delivery is given up after 410 (Gone), for an address
 * that is not allowed, and after the last attempt. Everything else is retried after the backoff, or after the delay that
 * the receiver asks for if that is longer.
 *
 * @param round the number of the attempt, from 1
 * @param random gives [0, 1)
 */
export function nextDelivery(attempt: Attempt, round: number, random: () => number): DeliveryOutcome {
  if (attempt.type === 'cut')
    return { type: 'retry', inMs: 0, lastStatus: null, lastError: 'cut short by the end of the process' };
  if (attempt.type === 'forbidden')
    return { type: 'dead', lastStatus: null, lastError: 'the address is not allowed (WEBHOOK_ALLOW_NETWORKS)' };
  if (attempt.type === 'failed') return retryOrGiveUp(round, random, { lastStatus: null, lastError: attempt.reason });
  const { status, retryAfterMs } = attempt;
  if (status >= 200 && status < 300) return { type: 'delivered', lastStatus: status };
  const failure = { lastStatus: status, lastError: describe(status) };
  return status === goneStatus
    ? { type: 'dead', ...failure }
    : retryOrGiveUp(round, random, failure, retryAfterMs ?? 0);
}

function describe(status: number): string {
  if (status >= 300 && status < 400) return `answered ${status}; redirects are not followed`;
  return status === goneStatus ? `answered ${status}: nobody is there any more` : `answered ${status}`;
}

type Failure = { lastStatus: number | null; lastError: string };

function retryOrGiveUp(round: number, random: () => number, failure: Failure, atLeastMs = 0): DeliveryOutcome {
  if (round >= attemptsMax) return { type: 'dead', ...failure };
  return { type: 'retry', inMs: Math.min(delayMsMax, Math.max(backoffMs(round, random), atLeastMs)), ...failure };
}
