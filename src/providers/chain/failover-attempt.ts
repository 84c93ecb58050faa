import type { ModelResponse, StreamEvent } from '@openai/agents';
import type { Clock } from '../../platform/clock.ts';
import type { Attempt } from './attempt.ts';
import type { BreakerRegistry } from './breakers/breaker-registry.ts';
import type { Deployment } from './deployments/deployment.ts';
import { faultRules } from './faults/failover-policy.ts';
import { classifyFault, type Fault } from './faults/provider-fault.ts';
import type { ConcurrencyLimiter } from './limits/concurrency-limiter.ts';
import type { ProviderMetrics } from './metrics.ts';

/** Dependencies of attempts: where their results are recorded. */
export type FailoverAttemptDeps = {
  breakers: BreakerRegistry;
  limiter: ConcurrencyLimiter;
  metrics: ProviderMetrics;
  clock: Clock;
};

/** What an attempt is made of. */
export type FailoverAttemptOptions = {
  deployment: Deployment;
  attempt: Attempt;
  /** Releases the attempt's permits. */
  release(): void;
  /** The caller's signal: after it has aborted, a failure is not a fault of the provider. */
  signal: AbortSignal;
  /**
   * Decides what follows from a fault. Resolves when the next attempt may begin.
   *
   * @throws {ServiceError} if there is none
   */
  onFault(fault: Fault, hadEffects: boolean, cause: unknown): Promise<void>;
};

/**
 * One attempt of a request at one deployment. `answered`, `failed` or `abandoned` is called once: it releases the
 * permits and records the result for the breakers, the limits and the metrics.
 */
export class FailoverAttempt {
  readonly #deps: FailoverAttemptDeps;
  readonly #options: FailoverAttemptOptions;

  constructor(deps: FailoverAttemptDeps, options: FailoverAttemptOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  get deployment(): Deployment {
    return this.#options.deployment;
  }

  /** See `Attempt`. */
  respond(): Promise<ModelResponse> {
    return this.#options.attempt.respond();
  }

  /** See `Attempt`. */
  next(): Promise<StreamEvent | null> {
    return this.#options.attempt.next();
  }

  /** The attempt has the answer to a request with this many input tokens. */
  answered(inputTokens: number): void {
    const { breakers, limiter, metrics } = this.#deps;
    this.#end();
    breakers.succeeded(this.deployment);
    limiter.answered(this.deployment, inputTokens);
    metrics.attempted(this.deployment, 'answered');
  }

  /**
   * The attempt has failed. Resolves when the next one may begin.
   *
   * @throws {ServiceError} if there is no next one; the error itself if it is no fault of the provider
   */
  async failed(error: unknown): Promise<void> {
    const { attempt, signal, onFault } = this.#options;
    const { breakers, metrics, clock } = this.#deps;
    this.#end();
    const fault = signal.aborted ? null : classifyFault(error, attempt.hasBegun(), clock.nowMs());
    if (fault === null) {
      breakers.inconclusive(this.deployment);
      metrics.attempted(this.deployment, signal.aborted ? 'aborted' : 'error');
      throw error;
    }
    this.#recordFault(fault);
    await onFault(fault, attempt.hadEffects(), error);
  }

  /** The caller no longer reads the answer. */
  abandoned(): void {
    this.#end();
    this.#deps.breakers.inconclusive(this.deployment);
    this.#deps.metrics.attempted(this.deployment, 'aborted');
  }

  #recordFault(fault: Fault): void {
    const { breakers, limiter, metrics } = this.#deps;
    breakers.failed(this.deployment, fault);
    if (faultRules[fault.kind].halvesConcurrency) limiter.slowDown(this.deployment);
    metrics.attempted(this.deployment, fault.kind);
  }

  #end(): void {
    this.#options.attempt.end();
    this.#options.release();
  }
}
