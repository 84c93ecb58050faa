import { backoffMs, jitteredMs } from './backoff.ts';
import type { Fault, FaultKind } from './provider-fault.ts';

/**
 * What a fault means for all requests. It `counts` against the deployment, whose breaker opens when there are many; it
 * opens the breaker of the `deployment` or of the `key` at once, since waiting will not mend it; it is a pause that the
 * provider asked for; or it is nothing.
 */
export type FaultEffect = 'counts' | 'trips_deployment' | 'trips_key' | 'pauses' | 'none';

/** What follows from a kind of fault. */
export type FaultRule = {
  /** Tries on the same deployment, at most; a further provider comes before a further try unless `staysFirst`. */
  triesHere: number;
  /** Whether the same deployment is tried once more before the next provider is. */
  staysFirst: boolean;
  /** Whether another provider may answer the request instead. */
  fallsOver: boolean;
  /** Pause before the same deployment is tried again: none, with backoff, or as the provider asks. */
  pause: 'none' | 'backoff' | 'asked';
  /** What it means for other requests. */
  effect: FaultEffect;
  /** Whether calls of the deployment at the same time are halved. */
  slows: boolean;
  /** The code with which the run fails where nobody is left to ask. */
  code:
    | 'provider_unavailable'
    | 'provider_error'
    | 'context_length_exceeded'
    | 'model_refused'
    | 'output_limit_reached';
};

/** A pause that a provider asks for without saying how long it is to be, and the shortest one, in ms. */
const askedMs = 1_000;
const askedMsMin = 100;

/** A fault that may be gone in a moment. */
const passing: FaultRule = {
  triesHere: 3,
  staysFirst: false,
  fallsOver: true,
  pause: 'backoff',
  effect: 'counts',
  slows: false,
  code: 'provider_error',
};
/** A fault of the request: it is the same with everybody, or must not be tried elsewhere. */
const final: FaultRule = { ...passing, triesHere: 1, fallsOver: false, effect: 'none' };
/** A limit of the provider's, which it says how to keep to. */
const limited: FaultRule = { ...passing, pause: 'asked', effect: 'pauses', code: 'provider_unavailable' };

/** The one table of reactions; `docs/providers.md` shows it, and each row has tests against a provider that fails so. */
export const faultRules: Record<FaultKind, FaultRule> = {
  rate_limited: limited,
  slow_down: { ...limited, slows: true },
  quota_exhausted: { ...passing, triesHere: 1, effect: 'trips_key', code: 'provider_unavailable' },
  overloaded: { ...passing, staysFirst: true, code: 'provider_unavailable' },
  server_error: { ...passing, staysFirst: true, code: 'provider_unavailable' },
  unreachable: { ...passing, triesHere: 2, pause: 'none', code: 'provider_unavailable' },
  timed_out: { ...passing, triesHere: 2, pause: 'none', code: 'provider_unavailable' },
  stalled: { ...passing, triesHere: 2, pause: 'none' },
  truncated: passing,
  malformed: passing,
  broken_tool_call: { ...passing, triesHere: 2, pause: 'none', effect: 'none' },
  credentials_refused: { ...passing, triesHere: 1, effect: 'trips_key' },
  model_not_found: { ...passing, triesHere: 1, effect: 'trips_deployment' },
  conflict: { ...passing, triesHere: 2, staysFirst: true, effect: 'none' },
  context_too_long: { ...final, code: 'context_length_exceeded' },
  output_limit: { ...final, code: 'output_limit_reached' },
  content_filtered: { ...final, code: 'model_refused' },
  bad_request: final,
};

/** What is known when a fault has happened. */
export type Situation = {
  fault: Fault;
  /** Attempts made for this request, this one included, over all deployments. */
  attempts: number;
  /** Those of them on this deployment. */
  triesHere: number;
  /** Whether this provider's retry budget has something left. */
  mayRetry: boolean;
  /** When another deployment can take the request: at once (0), after a pause of its own, or not (infinity). In ms. */
  othersInMs: number;
  /** Whether what was sent so far could have had effects at the provider, such as a hosted tool has. */
  hadEffects: boolean;
  /** What is left of the request's time, in ms. */
  remainingMs: number;
  /** From [0, 1): decides about the length of pauses. */
  random: number;
};

/**
 * What to do after a fault: ask another deployment, the same one again after a pause, or nobody any more. `why` of the
 * last one is for logs: the request itself is at fault, or there is no try, no budget or no time left.
 */
export type FailoverDecision =
  | { type: 'next' }
  | { type: 'again'; afterMs: number }
  | { type: 'give_up'; why: 'request' | 'effects' | 'attempts' | 'budget' | 'time' };

/** Attempts that one request is worth, over all deployments (Google, "Site Reliability Engineering", ch. 21). */
export const attemptsMax = 3;

/** How long an attempt has to be able to take to be worth its while, in ms. */
export const attemptMsMin = 250;

/** How long a deployment is to be left alone after a fault that asks for a pause, in ms. */
export const pauseAskedMs = ({ waitMs }: Fault): number => Math.max(askedMsMin, waitMs ?? askedMs);

function pauseFor({ fault, triesHere, othersInMs, random }: Situation): number {
  const { pause } = faultRules[fault.kind];
  if (pause === 'none') return 0;
  if (pause === 'asked') return jitteredMs(Math.min(pauseAskedMs(fault), othersInMs), random);
  return Math.max(fault.waitMs ?? 0, backoffMs(triesHere, random));
}

/** Decides what follows from a fault for the request that met it. */
export function decideFailover(situation: Situation): FailoverDecision {
  const { fault, attempts, triesHere, mayRetry, othersInMs, hadEffects, remainingMs } = situation;
  const rule = faultRules[fault.kind];
  if (!rule.fallsOver && rule.triesHere <= 1) return { type: 'give_up', why: 'request' };
  if (hadEffects) return { type: 'give_up', why: 'effects' };
  if (attempts >= attemptsMax) return { type: 'give_up', why: 'attempts' };
  if (remainingMs < attemptMsMin) return { type: 'give_up', why: 'time' };
  const afterMs = pauseFor(situation);
  const fits = afterMs + attemptMsMin <= remainingMs;
  const stays = rule.staysFirst && triesHere === 1 && mayRetry && fits;
  if (rule.fallsOver && othersInMs === 0 && !stays) return { type: 'next' };
  if (triesHere >= rule.triesHere) return { type: 'give_up', why: 'attempts' };
  if (!mayRetry) return { type: 'give_up', why: 'budget' };
  return fits ? { type: 'again', afterMs } : { type: 'give_up', why: 'time' };
}
