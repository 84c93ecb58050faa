import type { ModelRequest } from '@openai/agents';
import { jitteredMs } from '../../platform/backoff.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import { type ModelCall, modelCallOf } from '../model-call.ts';
import { Attempt } from './attempt.ts';
import type { AttemptTimeouts } from './attempt-timeouts.ts';
import type { BreakerRegistry } from './breakers/breaker-registry.ts';
import { CallDeadline, type ChainLimits } from './call-deadline.ts';
import type { Deployment } from './deployments/deployment.ts';
import { FailoverAttempt } from './failover-attempt.ts';
import { FailoverCandidates } from './failover-candidates.ts';
import {
  attemptMsMin,
  attemptsMax,
  decideFailover,
  type FailoverDecision,
  faultRules,
} from './faults/failover-policy.ts';
import { faultError, noProviderError } from './faults/provider-errors.ts';
import type { Fault } from './faults/provider-fault.ts';
import { exhaustedForMs } from './faults/rate-limit-headers.ts';
import type { ConcurrencyLimiter } from './limits/concurrency-limiter.ts';
import type { RetryBudget } from './limits/retry-budget.ts';
import type { ProviderMetrics } from './metrics.ts';

/** Dependencies of a request's way through the deployments. */
export type FailoverDeps = {
  breakers: BreakerRegistry;
  limiter: ConcurrencyLimiter;
  /** The retry budget of a provider, by its name. */
  budgetOf(provider: string): RetryBudget;
  limits: ChainLimits;
  timeouts: AttemptTimeouts;
  metrics: ProviderMetrics;
  clock: Clock;
  /** Gives [0, 1). */
  random: () => number;
  log: Pick<Logger, 'warn'>;
};

/**
 * The way of one request through the deployments that may answer it: which one is asked next, how long that attempt may
 * take, and what follows when it fails.
 */
export class Failover {
  readonly #deps: FailoverDeps;
  readonly #request: ModelRequest;
  readonly #streamed: boolean;
  readonly #call: ModelCall | undefined;
  readonly #signal: AbortSignal;
  readonly #deadline: CallDeadline;
  readonly #candidates: FailoverCandidates;
  readonly #attemptsAt = new Map<Deployment, number>();
  #attempts = 0;
  #retryOf: Deployment | null = null;
  /** The first provider that did not answer since the last attempt began, and why. */
  #passedOver: { provider: string; reason: string } | null = null;

  constructor(deps: FailoverDeps, deployments: readonly Deployment[], request: ModelRequest, streamed: boolean) {
    this.#deps = deps;
    this.#request = request;
    this.#streamed = streamed;
    this.#call = modelCallOf(request);
    this.#signal = request.signal ?? new AbortController().signal;
    this.#deadline = new CallDeadline(this.#call, deps.limits, deps.clock);
    this.#candidates = new FailoverCandidates(deployments, deps.breakers);
  }

  /**
   * Begins the next attempt, as soon as a deployment is available.
   *
   * @throws {ServiceError} `provider_unavailable` if none is, and none will be in time
   */
  async nextAttempt(): Promise<FailoverAttempt> {
    for (;;) {
      this.#signal.throwIfAborted();
      const deployment = this.#firstAvailable();
      if (deployment === null) {
        await this.#waitForPause();
        continue;
      }
      const release = this.#deps.limiter.tryAcquire(deployment) ?? (await this.#waitForPermits(deployment));
      const { type } = this.#deps.breakers.availability(deployment); // it may have changed during the wait
      if (type === 'unavailable' || (type === 'probe' && !(await this.#deps.breakers.claimProbe(deployment)))) {
        release();
        continue;
      }
      this.#reportFailover(deployment);
      this.#countAttempt(deployment);
      return this.#begin(deployment, release);
    }
  }

  /** The first deployment that may be asked now. */
  #firstAvailable(): Deployment | null {
    for (const deployment of this.#candidates.remaining()) {
      const availability = this.#deps.breakers.availability(deployment);
      if (availability.type !== 'unavailable') return deployment;
      this.#passedOver ??= { provider: deployment.provider, reason: availability.reason };
    }
    return null;
  }

  /** Waits for the end of a pause, if that comes in time. */
  async #waitForPause(): Promise<void> {
    const pauseMs = this.#candidates.oneAvailableInMs();
    if (pauseMs === 0) return;
    // An open circuit is not waited for: all waiting requests would be sent at once when it closes.
    if (pauseMs + attemptMsMin > this.#deadline.waitMsMax()) throw noProviderError(this.#candidates.soonestMs());
    await this.#deps.clock.sleep(jitteredMs(pauseMs, this.#deps.random()), this.#signal);
  }

  /** Waits for the permits that a call of the deployment needs. Returns how to release them. */
  async #waitForPermits(deployment: Deployment): Promise<() => void> {
    const { limiter, metrics, clock } = this.#deps;
    const startedMs = clock.monotonicMs();
    const waitEnded = new AbortController();
    const expired = new AbortController();
    clock
      .sleep(Math.max(0, this.#deadline.waitMsMax()), waitEnded.signal)
      .then(() => expired.abort(noProviderError(this.#candidates.soonestMs())))
      .catch(() => {}); // the wait ended in time
    try {
      const signal = AbortSignal.any([this.#signal, expired.signal]);
      const release = await limiter.acquire(deployment, { interactive: this.#call?.interactive ?? true, signal });
      metrics.waited(deployment, clock.monotonicMs() - startedMs);
      return release;
    } finally {
      waitEnded.abort('the wait has ended');
    }
  }

  #reportFailover(to: Deployment): void {
    const from = this.#passedOver;
    this.#passedOver = null;
    if (from === null || from.provider === to.provider) return;
    this.#call?.failedOver({ from: from.provider, to: to.provider, reason: from.reason });
    this.#deps.metrics.failedOver(from.provider, to.provider);
  }

  /** Counts an attempt that is about to begin: as a retry, which was taken from the budget, or as a request. */
  #countAttempt(deployment: Deployment): void {
    const { metrics, budgetOf } = this.#deps;
    if (this.#retryOf === deployment) metrics.retried(deployment);
    else budgetOf(deployment.provider).request();
    this.#retryOf = null;
    this.#attempts += 1;
    this.#attemptsAt.set(deployment, (this.#attemptsAt.get(deployment) ?? 0) + 1);
  }

  #begin(deployment: Deployment, release: () => void): FailoverAttempt {
    const { breakers, timeouts } = this.#deps;
    const laterAttempts = Math.min(this.#candidates.othersAvailable(deployment), attemptsMax - this.#attempts);
    const attempt = new Attempt({
      deployment,
      request: this.#request,
      limits: this.#deadline.attemptLimits(this.#streamed, laterAttempts),
      timeouts,
      onHeaders: (headers) => {
        const forMs = exhaustedForMs(headers);
        if (forMs > 0) breakers.pause(deployment, forMs);
      },
    });
    const onFault = (fault: Fault, hadEffects: boolean, cause: unknown) =>
      this.#onFault(deployment, fault, hadEffects, cause);
    return new FailoverAttempt(this.#deps, { deployment, attempt, release, signal: this.#signal, onFault });
  }

  /** Decides what follows from a fault, and does it. Resolves when the next attempt may begin. */
  async #onFault(deployment: Deployment, fault: Fault, hadEffects: boolean, cause: unknown): Promise<void> {
    const decision = this.#decide(deployment, fault, hadEffects);
    const fields = { provider: deployment.provider, model: deployment.model, fault: fault.kind, status: fault.status };
    this.#deps.log.warn({ ...fields, attempt: this.#attempts, reaction: decision.type }, 'a model provider failed');
    if (decision.type === 'give_up') throw faultError(fault, this.#call?.agent ?? null, this.#retryInMs(), cause);
    this.#call?.withdrawText();
    this.#passedOver = { provider: deployment.provider, reason: fault.kind };
    // A deployment that has asked for a pause is unavailable for that long, and a candidate again afterwards.
    const isPaused = faultRules[fault.kind].effect === 'pauses';
    if (decision.type === 'next') {
      if (!isPaused) this.#candidates.exclude(deployment);
      return;
    }
    this.#deps.budgetOf(deployment.provider).take();
    this.#retryOf = deployment;
    if (!isPaused) await this.#deps.clock.sleep(decision.afterMs, this.#signal);
  }

  #decide(deployment: Deployment, fault: Fault, hadEffects: boolean): FailoverDecision {
    return decideFailover({
      fault,
      attempts: this.#attempts,
      attemptsHere: this.#attemptsAt.get(deployment) ?? 0,
      mayRetry: this.#deps.budgetOf(deployment.provider).hasLeft(),
      othersInMs: this.#candidates.otherAvailableInMs(deployment),
      hadEffects,
      remainingMs: this.#deadline.waitMsMax(),
      random: this.#deps.random(),
    });
  }

  /** When a provider may be asked again, in ms; null where that is unknown, or one may be asked now. */
  #retryInMs(): number | null {
    const soonestMs = this.#candidates.soonestMs();
    return Number.isFinite(soonestMs) && soonestMs > 0 ? Math.ceil(soonestMs) : null;
  }
}
