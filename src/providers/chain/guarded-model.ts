import type { Model, ModelRequest, ModelResponse, StreamEvent } from '@openai/agents';
import type { Clock } from '../../platform/clock.ts';
import { modelCallOf, signAnswer } from '../model-call.ts';
import { createAttempt } from './attempt.ts';
import type { AttemptTimeouts } from './attempt-timeouts.ts';
import type { ChainLimits } from './failover.ts';
import { faultError } from './faults/provider-errors.ts';
import { classifyFault } from './faults/provider-fault.ts';
import type { ProviderMetrics } from './metrics.ts';

/** What guarding stands on. */
export type GuardDeps = { limits: ChainLimits; clocks: AttemptTimeouts; metrics: ProviderMetrics; clock: Clock };

/** How models that the application brings along are called in figures, whatever they are. */
const ownProvider = { provider: 'application' };
/** A run whose own time is over ends by that; the attempt is not to be over a moment before. In ms. */
const runEndsFirstMs = 1_000;

/**
 * A model that the application brings along: it keeps to the clocks, gives whole answers only, and its faults are told
 * as those of providers are. It has no failover, and is not tried again: it may do so by itself.
 */
export function createGuardedModel({ limits, clocks, metrics, clock }: GuardDeps, inner: Model, name: string): Model {
  const answerer = { ...ownProvider, model: name };

  function begin(request: ModelRequest, streamed: boolean) {
    const leftMs = (modelCallOf(request)?.deadlineMs ?? Number.POSITIVE_INFINITY) - clock.monotonicMs();
    const totalMs = Math.min(limits.callMs, Math.max(0, leftMs) + runEndsFirstMs);
    const quiet = streamed ? { firstEventMs: limits.firstEventMs, idleMs: limits.idleMs } : {};
    return createAttempt({
      deployment: { asked: inner, watch: () => {} },
      request,
      limits: { totalMs, ...quiet },
      clocks,
      headers: () => {},
    });
  }

  function told(error: unknown, request: ModelRequest, begun: boolean): unknown {
    const fault = request.signal?.aborted ? null : classifyFault(error, begun, clock.nowMs());
    metrics.attempted(ownProvider, fault?.kind ?? (request.signal?.aborted ? 'aborted' : 'error'));
    return fault ? faultError(fault, null, error) : error;
  }

  return {
    async getResponse(request: ModelRequest): Promise<ModelResponse> {
      const attempt = begin(request, false);
      try {
        const response = await attempt.respond();
        metrics.attempted(ownProvider, 'answered');
        return signAnswer(response, answerer);
      } catch (error) {
        throw told(error, request, attempt.hasBegun());
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
        throw told(error, request, attempt.hasBegun());
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
