import { fullJitterMs, jitteredMs } from '../../../platform/backoff.ts';
import type { Fault, FaultKind } from './provider-fault.ts';

/**
 * The effect of a fault on all requests. It `counts` against the deployment, whose breaker opens after too many faults; it
 * opens the breaker of the deployment (`trips_deployment`) or of the key (`trips_key`) at once, since retries do not help;
 * it `pauses` the deployment for as long as the provider asks; or it has no effect (`none`).
 */
export type FaultEffect = 'counts' | 'trips_deployment' | 'trips_key' | 'pauses' | 'none';

/** The rule for a kind of fault. */
export type FaultRule = {
  /** Attempts at the same deployment, at most. Other providers come before a retry unless `retriesFirst`. */
  attemptsHereMax: number;
  /** Whether the same deployment is asked once more before the next provider. */
  retriesFirst: boolean;
  /** Whether another provider may answer the request instead. */
  failsOver: boolean;
  /** Pause before a retry at the same deployment: none, with backoff, or as the provider asks. */
  pause: 'none' | 'backoff' | 'requested';
  /** The effect on other requests. */
  effect: FaultEffect;
  /** Whether the concurrency of the deployment is halved. */
  halvesConcurrency: boolean;
  /** The code with which the run fails if no attempt follows. */
  code:
    | 'provider_unavailable'
    | 'provider_error'
    | 'context_length_exceeded'
    | 'model_refused'
    | 'output_limit_reached'
    | 'empty_answer'
    | 'tool_not_found';
};

/** The pause where a provider asks for one without a duration, and the shortest pause, in ms. */
const pauseMsDefault = 1_000;
const pauseMsMin = 100;

/** A fault that may not occur again. */
const transient: FaultRule = {
  attemptsHereMax: 3,
  retriesFirst: false,
  failsOver: true,
  pause: 'backoff',
  effect: 'counts',
  halvesConcurrency: false,
  code: 'provider_error',
};
/** A fault of the request: every provider would answer the same, or no other provider may get the request. */
const permanent: FaultRule = { ...transient, attemptsHereMax: 1, failsOver: false, effect: 'none' };
/** A rate limit: the provider says how long to wait. */
const rateLimited: FaultRule = { ...transient, pause: 'requested', effect: 'pauses', code: 'provider_unavailable' };

/** A whole answer that is of no use: the model may do better at once. */
const uselessAnswer: FaultRule = {
  ...transient,
  attemptsHereMax: 2,
  retriesFirst: true,
  pause: 'none',
  effect: 'none',
};

/** The rules for all kinds of faults. `docs/providers.md` shows them, and each has tests against a provider that fails so. */
export const faultRules: Record<FaultKind, FaultRule> = {
  rate_limited: rateLimited,
  slow_down: { ...rateLimited, halvesConcurrency: true },
  quota_exhausted: { ...transient, attemptsHereMax: 1, effect: 'trips_key', code: 'provider_unavailable' },
  overloaded: { ...transient, retriesFirst: true, code: 'provider_unavailable' },
  server_error: { ...transient, retriesFirst: true, code: 'provider_unavailable' },
  unreachable: { ...transient, attemptsHereMax: 2, pause: 'none', code: 'provider_unavailable' },
  timed_out: { ...transient, attemptsHereMax: 2, pause: 'none', code: 'provider_unavailable' },
  stalled: { ...transient, attemptsHereMax: 2, pause: 'none' },
  truncated: transient,
  malformed: transient,
  broken_tool_call: { ...transient, attemptsHereMax: 2, pause: 'none', effect: 'none' },
  unknown_tool: { ...uselessAnswer, code: 'tool_not_found' },
  answer_failed: transient,
  empty_answer: { ...uselessAnswer, code: 'empty_answer' },
  credentials_refused: { ...transient, attemptsHereMax: 1, effect: 'trips_key' },
  model_not_found: { ...transient, attemptsHereMax: 1, effect: 'trips_deployment' },
  conflict: { ...transient, attemptsHereMax: 2, retriesFirst: true, effect: 'none' },
  context_too_long: { ...permanent, code: 'context_length_exceeded' },
  output_limit: { ...permanent, code: 'output_limit_reached' },
  content_filtered: { ...permanent, code: 'model_refused' },
  bad_request: permanent,
};

/** The facts that a failover decision depends on. */
export type FaultContext = {
  fault: Fault;
  /** Attempts made for this request, this one included, over all deployments. */
  attempts: number;
  /** Those of them at this deployment. */
  attemptsHere: number;
  /** Whether this provider's retry budget has a retry left. */
  mayRetry: boolean;
  /** When another deployment can take the request: at once (0), after its own pause, or not (infinity). In ms. */
  othersInMs: number;
  /** Whether the request may have had effects at the provider, such as those of a hosted tool. */
  hadEffects: boolean;
  /** The time that the request has left, in ms. */
  remainingMs: number;
  /** In [0, 1): the random part of pauses. */
  random: number;
};

/**
 * What to do after a fault: ask another deployment, ask the same one again after a pause, or give up. Reasons to give up:
 * the request itself is at fault, it had effects at the provider, or it has no attempt, no budget or no time left.
 */
export type FailoverDecision =
  | { type: 'next' }
  | { type: 'again'; afterMs: number }
  | { type: 'give_up'; reason: 'request' | 'effects' | 'attempts' | 'budget' | 'time' };

/** The pauses between attempts at the same deployment. */
const backoff = { baseMs: 250, maxMs: 8_000, factor: 2 };

/** Attempts of one request at most, over all deployments (Google, "Site Reliability Engineering", ch. 21). */
export const attemptsMax = 3;

/** An attempt is made only if it has at least this long, in ms. */
export const attemptMsMin = 250;

/** How long a deployment pauses after a fault that asks for a pause, in ms. */
export const requestedPauseMs = ({ waitMs }: Fault): number => Math.max(pauseMsMin, waitMs ?? pauseMsDefault);

function retryPauseMs({ fault, attemptsHere, othersInMs, random }: FaultContext): number {
  const { pause } = faultRules[fault.kind];
  if (pause === 'none') return 0;
  if (pause === 'requested') return jitteredMs(Math.min(requestedPauseMs(fault), othersInMs), random);
  return Math.max(fault.waitMs ?? 0, fullJitterMs(attemptsHere, random, backoff));
}

/** Decides what follows from a fault for its request. */
export function decideFailover(context: FaultContext): FailoverDecision {
  const { fault, attempts, attemptsHere, mayRetry, othersInMs, hadEffects, remainingMs } = context;
  const rule = faultRules[fault.kind];
  if (!rule.failsOver && rule.attemptsHereMax <= 1) return { type: 'give_up', reason: 'request' };
  if (hadEffects) return { type: 'give_up', reason: 'effects' };
  if (attempts >= attemptsMax) return { type: 'give_up', reason: 'attempts' };
  if (remainingMs < attemptMsMin) return { type: 'give_up', reason: 'time' };
  const afterMs = retryPauseMs(context);
  const isInTime = afterMs + attemptMsMin <= remainingMs;
  const retriesFirst = rule.retriesFirst && attemptsHere === 1 && mayRetry && isInTime;
  if (rule.failsOver && othersInMs === 0 && !retriesFirst) return { type: 'next' };
  if (attemptsHere >= rule.attemptsHereMax) return { type: 'give_up', reason: 'attempts' };
  if (!mayRetry) return { type: 'give_up', reason: 'budget' };
  return isInTime ? { type: 'again', afterMs } : { type: 'give_up', reason: 'time' };
}
