import { ServiceError } from '../../../platform/errors.ts';
import { retryAfterRules } from '../../../platform/http/retry-after.ts';
import { describeUnknownTool } from '../../../platform/unknown-tool.ts';
import { faultRules } from './failover-policy.ts';
import { UnknownToolFault } from './known-tools.ts';
import type { Fault } from './provider-fault.ts';

/** The description of a fault for clients; it contains no text of the provider. */
function reasonOf({ kind, status }: Fault): string {
  switch (kind) {
    case 'rate_limited':
    case 'slow_down':
      return 'The model provider is limiting our requests.';
    case 'overloaded':
      return 'The model provider is overloaded.';
    case 'quota_exhausted':
      return 'The quota at the model provider is used up.';
    case 'credentials_refused':
      return "The model provider refused the service's credentials.";
    case 'unreachable':
      return 'The model provider could not be reached.';
    case 'timed_out':
    case 'stalled':
      return 'The model provider did not answer in time.';
    case 'broken_tool_call':
      return 'The model answered in a way the agent cannot use.';
    case 'answer_failed':
      return 'The model provider ended its answer before it was whole.';
    default:
      if (status !== null) return `The model provider answered with status ${status}.`;
      return 'The model provider broke off its answer or sent one that makes no sense.';
  }
}

const calledIn = (cause: unknown): string => (cause instanceof UnknownToolFault ? cause.called : 'a tool');

/**
 * The error of a request that a fault has ended, and that no other deployment can take.
 *
 * @param agent the agent that made the request; null if that is unknown
 * @param retryMs when a provider may be asked again, in ms from now; null where that is unknown
 */
export function faultError(fault: Fault, agent: string | null, retryMs: number | null, cause: unknown): ServiceError {
  const { code, failsOver } = faultRules[fault.kind];
  switch (code) {
    case 'context_length_exceeded':
    case 'model_refused':
    case 'output_limit_reached':
    case 'empty_answer':
      return new ServiceError(code, {}, { cause });
    case 'tool_not_found':
      return new ServiceError(code, { what: describeUnknownTool(calledIn(cause), agent) }, { cause });
    default: {
      // A request that is refused for its content is refused again: the client is not told to retry.
      const retryAfterMs = failsOver ? retryAfterRules.providerMs(retryMs, fault.waitMs) : undefined;
      return new ServiceError(code, { reason: reasonOf(fault) }, { cause, retryAfterMs });
    }
  }
}

/** The error of a request for which no deployment is available. */
export const noProviderError = (retryMs: number): ServiceError =>
  new ServiceError(
    'provider_unavailable',
    { reason: 'No model provider is available at the moment.' },
    { retryAfterMs: Math.max(1, Math.ceil(retryMs)) },
  );
