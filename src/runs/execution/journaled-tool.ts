import type { FunctionTool, RunContext } from '@openai/agents';
import { declaredEffect, kindOf, whyNotDurable } from '../../agents/index.ts';
import type { Json, Step } from '../../storage/port/index.ts';
import { parseArguments } from '../tool-arguments.ts';
import { type CurrentCall, callScope, type RunScope, runScope } from './run-scope.ts';
import type { StepEnd } from './step-record.ts';

type AnyTool = FunctionTool<unknown>;
type Details = Parameters<AnyTool['invoke']>[2];

/** The SDK turns what a tool throws into this sentence for the model, unless the tool's author chose otherwise. */
const defaultErrorText = 'An error occurred while running the tool.';

/** Thrown in place of a call whose outcome is unknown; the run stops and asks a person. */
export class UnknownOutcomeError extends Error {
  constructor(step: Step) {
    super(`The outcome of ${step.name} (${step.callId}) is not known.`);
    this.name = 'UnknownOutcomeError';
  }
}

const isPlain = (value: unknown): boolean => {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (Array.isArray(value)) return value.every(isPlain);
  if (typeof value !== 'object') return false;
  const prototype = Object.getPrototypeOf(value);
  return (prototype === Object.prototype || prototype === null) && Object.values(value).every(isPlain);
};

function asText(value: unknown): string {
  if (typeof value !== 'object') return String(value);
  try {
    return JSON.stringify(value);
  } catch {
    return '[object with circular references]';
  }
}

/** A tool's result as the model sees it, in a form that the journal returns unchanged. */
const toRecordable = (value: unknown): Json => (isPlain(value) ? (value as Json) : asText(value));

const errorOf = (error: unknown): { name: string; message: string } =>
  error instanceof Error ? { name: error.name, message: error.message } : { name: 'Error', message: String(error) };

const isTimeout = (error: unknown) => error instanceof Error && error.name === 'ToolTimeoutError';
const isTimeoutReason = (error: unknown) => isTimeout(error) || errorOf(error).message.includes('timed out');

/** Repeats the recorded outcome of a call. */
async function replay(step: Step, tool: AnyTool, details: Details): Promise<unknown> {
  if (step.status === 'completed') return step.output;
  const { name, message } = step.error as { name: string; message: string };
  if (name === 'ToolTimeoutError' && tool.timeoutMs !== undefined && details?.signal) {
    // The SDK itself words a timeout for the model, once the time is over.
    const { signal } = details;
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
  }
  throw Object.assign(new Error(message), { name });
}

type Invocation = { scope: RunScope; tool: AnyTool; input: string; details: NonNullable<Details> };

function toCall({ scope, details }: Invocation, path: string): CurrentCall {
  const { run, signal } = scope.attempt;
  return {
    runId: run.id,
    sessionId: run.sessionId,
    tenant: run.tenantId,
    callId: details.toolCall?.callId ?? '',
    idempotencyKey: `${run.id}:${path}`,
    attempt: run.attempt,
    signal: details.signal ?? signal,
  };
}

function emitStarted({ scope }: Invocation, { step, callId, name, input }: Step): void {
  scope.attempt.journal.emitOnce(
    { type: 'tool.started', step, call_id: callId ?? '', tool: name, arguments: input },
    callId ?? '',
  );
}

function emitCompleted({ scope }: Invocation, step: Step): void {
  const output = typeof step.output === 'string' ? step.output : JSON.stringify(step.output);
  scope.attempt.journal.emitOnce(
    {
      type: 'tool.completed',
      step: step.step,
      call_id: step.callId ?? '',
      tool: step.name,
      arguments: step.input,
      output: step.status === 'completed' ? output : (step.error as { message: string }).message,
      is_error: step.isError,
      duration_ms: step.durationMs ?? 0,
    },
    step.callId ?? '',
  );
}

/** Whether the call may be executed, given that an earlier attempt began it and did not record its end. */
const mayRepeat = (begun: Step): boolean =>
  begun.effect !== 'once' || (begun.error as { decision?: string } | null)?.decision === 'retry';

/** Records the intent of a call. */
function intend({ scope, tool, input }: Invocation, key: string, call: CurrentCall): Step {
  const { journal, effectDefault } = scope.attempt;
  return journal.intend(
    {
      key,
      kind: 'tool_call',
      scope: scope.path,
      name: tool.name,
      agent: scope.agent,
      callId: call.callId,
      effect: declaredEffect(tool) ?? effectDefault,
      idempotencyKey: call.idempotencyKey,
      input: parseArguments(input) as Json,
    },
    journal.stepNumber(key),
  );
}

/** Executes one call of a tool and records its outcome. */
async function execute(
  invocation: Invocation,
  key: string,
  path: string,
  work: () => Promise<unknown>,
): Promise<unknown> {
  const { scope, details } = invocation;
  const { attempt } = scope;
  const { journal } = attempt;
  const call = toCall(invocation, path);
  const step = intend(invocation, key, call);
  emitStarted(invocation, step);
  // The intent is durable, and this process still holds the run, before the tool has any effect.
  await journal.flush();
  attempt.hitFailpoint('tool.beforeEffect');
  attempt.assertHeld();

  const end = (outcome: StepEnd) => {
    if (attempt.isOpen() && journal.end(step, outcome)) emitCompleted(invocation, step);
  };
  const timedOut = () => {
    const { reason } = details.signal as AbortSignal;
    if (isTimeoutReason(reason))
      end({ status: 'failed', isError: true, error: { ...errorOf(reason), name: 'ToolTimeoutError' } });
  };
  details.signal?.addEventListener('abort', timedOut, { once: true });
  try {
    const value = toRecordable(await runScope.run(callScope(scope, call), work));
    attempt.hitFailpoint('tool.afterEffect');
    const isError = typeof value === 'string' && value.startsWith(defaultErrorText);
    end({ status: 'completed', output: value, isError });
    await journal.flush();
    return value;
  } catch (error) {
    // A call that was told to stop has no outcome worth keeping; the run ends or repeats the call.
    if (!attempt.signal.aborted) end({ status: 'failed', isError: true, error: errorOf(error) });
    throw error;
  } finally {
    details.signal?.removeEventListener('abort', timedOut);
  }
}

/** One call of a tool within a run: answered from the journal, or executed and recorded. */
async function invoke(invocation: Invocation, work: () => Promise<unknown>): Promise<unknown> {
  const { scope, tool, details } = invocation;
  const { attempt } = scope;
  const { journal } = attempt;
  const path = `${scope.path}/${details.toolCall?.callId ?? ''}`.replace(/^\//, '');
  const key = `t:${path}`;
  const recorded = journal.find(key);
  if (recorded?.status === 'completed' || recorded?.status === 'failed') {
    journal.replayed(recorded, false);
    emitCompleted(invocation, recorded);
    return replay(recorded, tool, details);
  }
  if (recorded && !mayRepeat(recorded)) {
    journal.end(recorded, { status: 'unknown' });
    throw new UnknownOutcomeError(recorded);
  }
  attempt.beginStep();
  try {
    return await execute(invocation, key, path, work);
  } finally {
    attempt.endStep();
  }
}

function clone<T extends object>(object: T, changes: Partial<T>): T {
  const descriptors = Object.getOwnPropertyDescriptors(object) as Record<string, PropertyDescriptor>;
  for (const key of Object.keys(changes)) delete descriptors[key];
  return Object.assign(Object.create(Object.getPrototypeOf(object), descriptors), changes);
}

type ToolLike = { type: string };

/** Whether calls of this tool are journaled as a whole; an agent used as a tool is executed again, over its own journal. */
export const isJournaledTool = (tool: ToolLike): boolean => kindOf(tool) === 'journaled';

/**
 * A tool whose calls within a run are recorded, intent before and outcome after, and answered from the record when the
 * run is executed again. The user's tool is left as it is.
 *
 * @throws {Error} if the tool cannot be part of a durable run; for tools of agents that the application did not register
 *   only a run detects that
 */
export function journalTool<T extends ToolLike>(original: T): T {
  const why = whyNotDurable(original as never);
  if (why !== null) throw new Error(why);
  if (!isJournaledTool(original)) return original;
  const tool = original as unknown as AnyTool;
  const journaled: AnyTool['invoke'] = async (runContext: RunContext<unknown>, input, details) => {
    const scope = runScope.getStore();
    const work = async () => tool.invoke(runContext, input, details);
    if (!scope || !details?.toolCall || !scope.attempt.isOpen()) return work() as never;
    return invoke({ scope, tool, input, details }, work) as never;
  };
  return clone(tool, { invoke: journaled }) as unknown as T;
}
