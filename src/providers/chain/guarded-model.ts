import type { Model, ModelRequest, ModelResponse, StreamEvent } from '@openai/agents';
import type { Clock } from '../../platform/clock.ts';
import { modelCallOf, signAnswer } from '../model-call.ts';
import { Attempt } from './attempt.ts';
import type { AttemptTimeouts } from './attempt-timeouts.ts';
import { type ChainLimits, runDeadlineGraceMs } from './call-deadline.ts';
import { faultError } from './faults/provider-errors.ts';
import { classifyFault } from './faults/provider-fault.ts';
import type { ProviderMetrics } from './metrics.ts';

/** Dependencies of guarded models. */
export type GuardDeps = { limits: ChainLimits; timeouts: AttemptTimeouts; metrics: ProviderMetrics; clock: Clock };

/** The provider's name of all models of the application, in metrics and steps. */
const ownProvider = { provider: 'application' };

/**
 * A model of the application's own, under the rules of the chain: it has the same timeouts, gives complete answers only,
 * and its faults become the same errors. It has no failover and no retries, since it may have its own.
 */
export function createGuardedModel({ limits, timeouts, metrics, clock }: GuardDeps, inner: Model, name: string): Model {
  const answerer = { ...ownProvider, model: name };

  function begin(request: ModelRequest, streamed: boolean): Attempt {
    const leftMs = (modelCallOf(request)?.deadlineMs ?? Number.POSITIVE_INFINITY) - clock.monotonicMs();
    const totalMs = Math.min(limits.callMs, Math.max(0, leftMs) + runDeadlineGraceMs);
    const streamLimits = streamed ? { firstEventMs: limits.firstEventMs, idleMs: limits.idleMs } : {};
    return new Attempt({
      deployment: { sdkModel: inner, observe: () => {}, statesLimit: true },
      request,
      limits: { totalMs, ...streamLimits },
      timeouts,
      onHeaders: () => {},
    });
  }

  /** Counts a failed attempt, and returns the error of the call. */
  function callError(error: unknown, request: ModelRequest, hasBegun: boolean): unknown {
    const fault = request.signal?.aborted ? null : classifyFault(error, hasBegun, clock.nowMs());
    metrics.attempted(ownProvider, fault?.kind ?? (request.signal?.aborted ? 'aborted' : 'error'));
    return fault ? faultError(fault, modelCallOf(request)?.agent ?? null, null, error) : error;
  }

  return {
    async getResponse(request: ModelRequest): Promise<ModelResponse> {
      const attempt = begin(request, false);
      try {
        const response = await attempt.respond();
        metrics.attempted(ownProvider, 'answered');
        return signAnswer(response, answerer);
      } catch (error) {
        throw callError(error, request, attempt.hasBegun());
      } finally {
        attempt.end();
      }
    },

    async *getStreamedResponse(request: ModelRequest): AsyncIterable<StreamEvent> {
      const attempt = begin(request, true);
      try {
        for (let event = await attempt.next(); event !== null; event = await attempt.next()) {
          yield event.type === 'response_done' ? signAnswer(event, answerer) : event;
        }
        metrics.attempted(ownProvider, 'answered');
      } catch (error) {
        throw callError(error, request, attempt.hasBegun());
      } finally {
        attempt.end();
      }
    },

    getRetryAdvice: inner.getRetryAdvice?.bind(inner),
    ...(inner.supportsPromptModelSelection === undefined
      ? {}
      : { supportsPromptModelSelection: inner.supportsPromptModelSelection }),
  };
}
