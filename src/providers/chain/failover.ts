import type { ModelRequest } from '@openai/agents';
import type { Clock } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import { modelCallOf } from '../model-call.ts';
import { type Attempt, createAttempt } from './attempt.ts';
import type { AttemptTimeouts } from './attempt-timeouts.ts';
import type { BreakerRegistry } from './breakers/breaker-registry.ts';
import type { Availability } from './breakers/tracked-breaker.ts';
import type { Deployment } from './deployments/deployment.ts';
import { jitteredMs } from './faults/backoff.ts';
import { attemptMsMin, attemptsMax, decideFailover, faultRules, type Situation } from './faults/failover-policy.ts';
import { faultError, noProviderError } from './faults/provider-errors.ts';
import { classifyFault, type Fault } from './faults/provider-fault.ts';
import { exhaustedForMs } from './faults/rate-limit-headers.ts';
import type { ConcurrencyLimiter } from './limits/concurrency-limiter.ts';
import type { RetryBudget } from './limits/retry-budget.ts';
import type { ProviderMetrics } from './metrics.ts';

/** How long attempts may take, in ms. */
export type ChainLimits = {
  /** A model call over all its attempts. */
  callMs: number;
  /** Until the first event of a stream, and between two events. */
  firstEventMs: number;
  idleMs: number;
};

/** What a request's way through the providers stands on. */
export type FailoverDeps = {
  standing: BreakerRegistry;
  governor: ConcurrencyLimiter;
  /** The retry budget of a provider, by its name. */
  budgetOf(provider: string): RetryBudget;
  limits: ChainLimits;
  clocks: AttemptTimeouts;
  metrics: ProviderMetrics;
  clock: Clock;
  /** Gives [0, 1). */
  random: () => number;
  log: Pick<Logger, 'warn'>;
};

/** An attempt under way. `answered`, `failed` or `abandoned` is called once, and gives its place back. */
export type Try = Pick<Attempt, 'respond' | 'next'> & {
  deployment: Deployment;
  /** It has the answer, to so many tokens of input. */
  answered(inputTokens: number): void;
  /**
   * It has failed. Resolves when the next one may begin.
   *
   * @throws {ServiceError} if there is to be none; the error itself if it is no fault of the provider
   */
  failed(error: unknown): Promise<void>;
  /** Nobody wants its answer any more. */
  abandoned(): void;
};

/** A run whose own time is over ends by that; the attempt is not to be over a moment before. In ms. */
const runEndsFirstMs = 1_000;
/** Who executes a run in the background gives it back rather than wait for longer, in ms. */
const backgroundPatienceMs = 5_000;

/** For how long a deployment asks to be left alone, in ms; nothing for one whose circuit is open. */
const pauseIn = (readiness: Availability): number[] =>
  readiness.type === 'unavailable' && readiness.reason === 'paused' ? [readiness.forMs] : [];

/**
 * The way of one request through the deployments that may answer it: which one is asked next, how long it has, and what
 * follows when it fails.
 */
export function createFailover(
  deps: FailoverDeps,
  deployments: readonly Deployment[],
  request: ModelRequest,
  streamed: boolean,
) {
  const { standing, governor, budgetOf, limits, clocks, metrics, clock, random, log } = deps;
  const call = modelCallOf(request);
  const signal = request.signal ?? new AbortController().signal;
  const callEndsMs = clock.monotonicMs() + limits.callMs;
  const endsMs = Math.min(call?.deadlineMs ?? Number.POSITIVE_INFINITY, callEndsMs);
  const graceMs = endsMs < callEndsMs ? runEndsFirstMs : 0;
  const tries = new Map<Deployment, number>();
  const spent = new Set<Deployment>();
  let attempts = 0;
  let retryOf: Deployment | null = null;
  let last: { provider: string; reason: string } | null = null;

  const remainingMs = () => endsMs - clock.monotonicMs();
  const patienceMs = () =>
    call?.interactive === false ? Math.min(backgroundPatienceMs, remainingMs()) : remainingMs();
  const readyNow = (deployment: Deployment) => standing.availability(deployment).type !== 'unavailable';
  const left = () => deployments.filter((each) => !spent.has(each));

  /** When one of the deployments may be asked again, in ms from now. */
  const soonestMs = (of: readonly Deployment[]): number =>
    of.reduce((soonest, each) => {
      const readiness = standing.availability(each);
      return Math.min(soonest, readiness.type === 'unavailable' ? readiness.forMs : 0);
    }, Number.POSITIVE_INFINITY);

  function skip(deployment: Deployment, { reason }: { reason: string }): void {
    last ??= { provider: deployment.provider, reason };
  }

  /** The first deployment that may be asked now. */
  function firstReady(): Deployment | null {
    for (const deployment of left()) {
      const readiness = standing.availability(deployment);
      if (readiness.type !== 'unavailable') return deployment;
      skip(deployment, readiness);
    }
    return null;
  }

  /** Waits for a deployment that has asked for a pause, if one is worth waiting for. */
  async function waitForPause(): Promise<void> {
    // One look: the time of one may come between two.
    const looks = left().map(standing.availability);
    if (looks.some(({ type }) => type !== 'unavailable')) return;
    const pauseMs = Math.min(...looks.flatMap(pauseIn));
    // An open circuit is no reason to wait: others would too, and come all at once when it closes.
    if (pauseMs + attemptMsMin > patienceMs()) throw noProviderError(soonestMs(deployments));
    await clock.sleep(jitteredMs(pauseMs, random()), signal);
  }

  function tellFailover(to: Deployment): void {
    if (last && last.provider !== to.provider) {
      call?.failedOver({ from: last.provider, to: to.provider, reason: last.reason });
      metrics.failedOver(last.provider, to.provider);
    }
    last = null;
  }

  /** What an attempt may take: all that is left for the last one, a part of it while others could be asked after it. */
  function limitsOf(deployment: Deployment) {
    const others = left().filter((each) => each !== deployment && readyNow(each)).length;
    const toCome = Math.min(others, attemptsMax - attempts);
    const allMs = Math.max(attemptMsMin, remainingMs());
    const shareMs = toCome > 0 ? allMs / (toCome + 1) : allMs + graceMs;
    if (!streamed) return { totalMs: shareMs };
    return { totalMs: allMs + graceMs, firstEventMs: Math.min(limits.firstEventMs, shareMs), idleMs: limits.idleMs };
  }

  /** Takes the places that a call of the deployment needs, as soon as they are free. */
  async function waitToEnter(deployment: Deployment): Promise<() => void> {
    const startedMs = clock.monotonicMs();
    const given = new AbortController();
    const patience = clock.sleep(Math.max(0, patienceMs()), given.signal);
    const tooLate = new AbortController();
    patience.then(() => tooLate.abort(noProviderError(soonestMs(deployments)))).catch(() => {}); // there was a place in time
    try {
      const over = AbortSignal.any([signal, tooLate.signal]);
      const leave = await governor.acquire(deployment, { interactive: call?.interactive ?? true, signal: over });
      metrics.waited(deployment, clock.monotonicMs() - startedMs);
      return leave;
    } finally {
      given.abort('it has entered');
    }
  }

  /** Counts an attempt that is about to begin: as a retry, which was paid for, or as a request. */
  function countRequest(deployment: Deployment): void {
    if (retryOf === deployment) metrics.retried(deployment);
    else budgetOf(deployment.provider).request();
    retryOf = null;
    attempts += 1;
    tries.set(deployment, (tries.get(deployment) ?? 0) + 1);
  }

  function settle(deployment: Deployment, fault: Fault): void {
    standing.failed(deployment, fault);
    if (faultRules[fault.kind].slows) governor.slowDown(deployment);
    metrics.attempted(deployment, fault.kind);
  }

  /** Does what follows from a fault; resolves when the next attempt may begin. */
  async function react(deployment: Deployment, fault: Fault, hadEffects: boolean, cause: unknown): Promise<void> {
    const budget = budgetOf(deployment.provider);
    const situation: Situation = {
      fault,
      attempts,
      triesHere: tries.get(deployment) ?? 0,
      mayRetry: budget.hasLeft(),
      othersInMs: othersInMs(deployment),
      hadEffects,
      remainingMs: patienceMs(),
      random: random(),
    };
    const reaction = decideFailover(situation);
    const facts = { provider: deployment.provider, model: deployment.model, fault: fault.kind, status: fault.status };
    log.warn({ ...facts, attempt: attempts, reaction: reaction.type }, 'a model provider failed');
    if (reaction.type === 'give_up') throw faultError(fault, knownSoonestMs(), cause);
    call?.withdraw();
    last = { provider: deployment.provider, reason: fault.kind };
    // One that has asked for a pause is out of the way for as long as that lasts, and no longer.
    const pauses = faultRules[fault.kind].effect === 'pauses';
    if (reaction.type === 'next') return pauses ? undefined : void spent.add(deployment);
    budget.take();
    retryOf = deployment;
    if (!pauses) await clock.sleep(reaction.afterMs, signal);
  }

  function othersInMs(deployment: Deployment): number {
    const others = left().filter((each) => each !== deployment);
    const looks = others.map(standing.availability);
    return looks.some(({ type }) => type !== 'unavailable') ? 0 : Math.min(...looks.flatMap(pauseIn));
  }

  function knownSoonestMs(): number | null {
    const soonest = soonestMs(deployments);
    return Number.isFinite(soonest) && soonest > 0 ? Math.ceil(soonest) : null;
  }

  function begin(deployment: Deployment, leave: () => void): Try {
    const attempt = createAttempt({
      deployment,
      request,
      limits: limitsOf(deployment),
      clocks,
      headers: (headers) => {
        const forMs = exhaustedForMs(headers);
        if (forMs > 0) standing.pause(deployment, forMs);
      },
    });
    const end = () => {
      attempt.end();
      leave();
    };
    return {
      deployment,
      respond: attempt.respond,
      next: attempt.next,
      answered(inputTokens) {
        end();
        standing.succeeded(deployment);
        governor.answered(deployment, inputTokens);
        metrics.attempted(deployment, 'answered');
      },
      async failed(error) {
        end();
        const fault = signal.aborted ? null : classifyFault(error, attempt.hasBegun(), clock.nowMs());
        if (fault === null) {
          standing.inconclusive(deployment);
          metrics.attempted(deployment, signal.aborted ? 'aborted' : 'error');
          throw error;
        }
        settle(deployment, fault);
        await react(deployment, fault, attempt.hadEffects(), error);
      },
      abandoned() {
        end();
        standing.inconclusive(deployment);
        metrics.attempted(deployment, 'aborted');
      },
    };
  }

  return {
    /**
     * Begins the next attempt, as soon as there is somebody to ask.
     *
     * @throws {ServiceError} `provider_unavailable` if there is nobody, and will not be in time
     */
    async next(): Promise<Try> {
      for (;;) {
        signal.throwIfAborted();
        const deployment = firstReady();
        if (deployment === null) {
          await waitForPause();
          continue;
        }
        const leave = governor.tryAcquire(deployment) ?? (await waitToEnter(deployment));
        const { type } = standing.availability(deployment); // anew, since it may have waited
        if (type === 'unavailable' || (type === 'probe' && !(await standing.claimProbe(deployment)))) {
          leave();
          continue;
        }
        tellFailover(deployment);
        countRequest(deployment);
        return begin(deployment, leave);
      }
    },
  };
}
