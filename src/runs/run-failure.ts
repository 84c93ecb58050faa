import { boundedName } from '../platform/bounded-name.ts';
import { type ErrorCode, errorCatalogue, ServiceError } from '../platform/errors.ts';
import { retryAfterRules } from '../platform/http/retry-after.ts';
import { requestedWaitMs } from '../providers/index.ts';
import type { FinalStatus, RunError } from '../storage/port/index.ts';
import { missingToolOf, unknownTool, unusableAnswer, unusableRequest } from './agent-mistakes.ts';

/** Why the service itself ended a run before its agent did. */
export type StopReason = 'timed_out' | 'cancelled' | 'shutting_down' | 'lease_lost' | 'providers_down' | 'not_storable';

/** The reason that a run's AbortSignal carries when the service ends the run. */
export class RunStopped extends Error {
  readonly reason: StopReason;

  constructor(reason: StopReason) {
    super(`The run was stopped: ${reason}`);
    this.name = 'RunStopped';
    this.reason = reason;
  }
}

/** How a run that did not complete ended: its status, the error for the client, and when a retry makes sense. */
export type Failure = { status: FinalStatus; error: RunError & { code: ErrorCode }; retryAfterMs?: number };

const failure = (error: ServiceError, status: FinalStatus = 'failed'): Failure => ({
  status,
  error: { code: error.code, detail: error.message, retryable: error.retryable },
  retryAfterMs: error.extras.retryAfterMs,
});

/** The failure that is recorded for a run that the service stopped. */
export function stopped(reason: StopReason): Failure {
  switch (reason) {
    case 'timed_out':
      return failure(new ServiceError('run_timed_out', {}), 'timed_out');
    case 'cancelled':
      return failure(new ServiceError('cancelled', {}), 'cancelled');
    case 'shutting_down':
      return failure(new ServiceError('shutting_down', {}));
    case 'providers_down': // the run goes on once one is available
      return failure(new ServiceError('provider_unavailable', { reason: 'No model provider is available.' }));
    case 'lease_lost':
      return failure(new ServiceError('store_unavailable', {}));
    case 'not_storable': // the end of the run says what it was, see refused-end.ts
      return failure(new ServiceError('not_storable', { what: 'an entry of the run' }));
  }
}

type ErrorFacts = { name: string; lineage: string[]; fields: Record<string, unknown> };

/** Class names, from the most specific one up: two copies of a library have different classes of the same names. */
function lineageOf(error: object): string[] {
  const names: string[] = [];
  let prototype = Object.getPrototypeOf(error);
  while (prototype && prototype !== Object.prototype) {
    names.push(prototype.constructor?.name ?? '');
    prototype = Object.getPrototypeOf(prototype);
  }
  return names;
}

function factsOf(error: unknown): ErrorFacts {
  if (typeof error !== 'object' || error === null) return { name: 'Error', lineage: [], fields: {} };
  const lineage = lineageOf(error);
  const fields = error as Record<string, unknown>;
  const own = typeof fields.name === 'string' && fields.name !== 'Error' ? fields.name : lineage[0];
  // Clients see the name: it must be an identifier, so that it cannot carry a message.
  const name = own && /^[\w$.]{1,100}$/.test(own) ? own : 'Error';
  return { name, lineage, fields };
}

const is = ({ lineage }: ErrorFacts, ...names: string[]) => names.some((name) => lineage.includes(name));

function providerFailure(facts: ErrorFacts, nowMs: number): Failure {
  const { status, code, headers } = facts.fields as { status?: number; code?: string; headers?: unknown };
  if (is(facts, 'ModelTimeoutError', 'APIConnectionTimeoutError')) return stopped('timed_out');
  if (code === 'context_length_exceeded') return failure(new ServiceError('context_length_exceeded', {}));
  if (status === 429 || status === 503) {
    const reason =
      status === 429 ? 'The model provider is limiting our requests.' : 'The model provider is overloaded.';
    return failure(
      new ServiceError(
        'provider_unavailable',
        { reason },
        { retryAfterMs: retryAfterRules.providerMs(null, requestedWaitMs(headers, nowMs) ?? null) },
      ),
    );
  }
  const reason = (() => {
    if (status === 401 || status === 403) return "The model provider refused the service's credentials.";
    if (status !== undefined) return `The model provider answered with status ${status}.`;
    if (is(facts, 'APIConnectionError')) return 'The model provider could not be reached.';
    return 'The model provider broke off its answer or sent one that makes no sense.';
  })();
  return failure(new ServiceError('provider_error', { reason }));
}

const agentFailure = (what: string): Failure => failure(new ServiceError('agent_error', { what }));

/** The failure of an error that a model call threw: the application's, if the SDK refused to send the request. */
function modelFailure(error: unknown, facts: ErrorFacts, { agent, nowMs }: FailureContext): Failure {
  const mistake = error instanceof Error ? unusableRequest(error, is(facts, 'UserError'), agent) : null;
  return mistake === null ? providerFailure(facts, nowMs) : agentFailure(mistake);
}

/** A recorded answer calls a tool, or hands over to an agent, that this version of the application no longer has. */
function missingToolFailure(error: unknown): Failure {
  const missing = missingToolOf(error as Error);
  const reason = missing
    ? `The recorded call of "${missing.tool}" cannot go on: the agent "${missing.agent}" of this version of the application has no such tool.`
    : 'A recorded answer of the model makes no sense to the agent of this version of the application.';
  return failure(new ServiceError('tool_gone', { reason }));
}

/** The context of an error that is classified. */
export type FailureContext = {
  /** Whether a model call threw the error. */
  fromModel(error: unknown): boolean;
  /** The agent of the run whose model answered or failed last, by its own name; null before. */
  agent: string | null;
  /** Whether the last answer of a model was recorded earlier, perhaps by another version of the application. */
  replayed: boolean;
  maxTurns: number;
  nowMs: number;
};

type Result = { guardrail?: { name?: unknown } };

/**
 * The failure that a client sees for an error that a run threw. Errors are recognised by their class names and fields,
 * never by `instanceof`, since the application may hold another copy of a library.
 */
export function classifyFailure(error: unknown, context: FailureContext): Failure {
  if (error instanceof ServiceError) return failure(error);
  const facts = factsOf(error);
  if (is(facts, 'GuardrailExecutionError', 'ToolCallError') && facts.fields.error !== undefined) {
    return classifyFailure(facts.fields.error, context);
  }
  if (is(facts, 'SessionInputFailed')) {
    const cause = (error as Error).cause;
    if (context.fromModel(cause)) return classifyFailure(cause, context);
    return failure(new ServiceError('session_input_failed', { errorName: factsOf(cause).name }));
  }
  if (is(facts, 'MaxTurnsExceededError')) {
    return failure(new ServiceError('max_turns_exceeded', { maxTurns: context.maxTurns }));
  }
  if (is(facts, 'ModelRefusalError')) return failure(new ServiceError('model_refused', {}));
  if (facts.lineage.some((name) => name.endsWith('GuardrailTripwireTriggered'))) {
    const name = (facts.fields.result as Result | undefined)?.guardrail?.name;
    return failure(new ServiceError('guardrail_tripped', { guardrail: typeof name === 'string' ? name : 'unnamed' }));
  }
  if (is(facts, 'ToolTimeoutError')) {
    return failure(new ServiceError('tool_timeout', { tool: boundedName(facts.fields.toolName) }));
  }
  if (context.fromModel(error)) return modelFailure(error, facts, context);
  if (is(facts, 'APIError', 'ModelTimeoutError')) return providerFailure(facts, context.nowMs);
  if (is(facts, 'ModelBehaviorError')) {
    if (context.replayed) return missingToolFailure(error);
    const what = unknownTool(error as Error, context.agent);
    if (what !== null) return failure(new ServiceError('tool_not_found', { what }));
    return agentFailure(unusableAnswer(error as Error, facts.name, context.agent));
  }
  return agentFailure(facts.name);
}

/** The HTTP status that a recorded failure is answered with. */
export const statusOf = (code: string): number =>
  code in errorCatalogue ? errorCatalogue[code as ErrorCode].status : errorCatalogue.internal.status;
