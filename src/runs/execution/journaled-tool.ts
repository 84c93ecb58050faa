import type { FunctionTool, RunContext } from '@openai/agents';
import { declaredEffect, kindOf, whyNotDurable } from '../../agents/index.ts';
import type { Json, Step } from '../../storage/port/index.ts';
import { parseArguments } from '../tool-arguments.ts';
import { type CurrentCall, callScope, type RunScope, runScope } from './run-scope.ts';

type AnyTool = FunctionTool<unknown>;
type Details = Parameters<AnyTool['invoke']>[2];

/** The SDK turns what a tool throws into this sentence for the model, unless the tool's author chose otherwise. */
const defaultErrorText = 'An error occurred while running the tool.';

/** Thrown in place of a call whose outcome nobody knows; the run stops and asks a person. */
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

/** What the model is shown of a tool's result, as a value that comes out of the journal as it went in. */
const toRecordable = (value: unknown): Json => (isPlain(value) ? (value as Json) : asText(value));

const errorOf = (error: unknown): { name: string; message: string } =>
  error instanceof Error ? { name: error.name, message: error.message } : { name: 'Error', message: String(error) };

const isTimeout = (error: unknown) => error instanceof Error && error.name === 'ToolTimeoutError';
const isTimeoutReason = (error: unknown) => isTimeout(error) || errorOf(error).message.includes('timed out');

/** The outcome that is recorded, once more. */
async function replay(step: Step, tool: AnyTool, details: Details): Promise<unknown> {
  if (step.status === 'completed') return step.output;
  const { name, message } = step.error as { name: string; message: string };
  if (name === 'ToolTimeoutError' && tool.timeoutMs !== undefined && details?.signal) {
    // The SDK puts a timeout into words by itself, once the time is over.
    const { signal } = details;
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
  }
  throw Object.assign(new Error(message), { name });
}

type Invocation = { scope: RunScope; tool: AnyTool; input: string; details: NonNullable<Details> };

function toCall({ scope, details }: Invocation, path: string): CurrentCall {
  const { run, signal } = scope.activity;
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

function tellCompleted({ scope }: Invocation, step: Step): void {
  const { journal } = scope.activity;
  const output = typeof step.output === 'string' ? step.output : JSON.stringify(step.output);
  journal.emitOnce(
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

async function execute(
  invocation: Invocation,
  key: string,
  path: string,
  work: () => Promise<unknown>,
): Promise<unknown> {
  const { scope, tool, input, details } = invocation;
  const { activity } = scope;
  const { journal } = activity;
  const call = toCall(invocation, path);
  const step = journal.intend(
    {
      key,
      kind: 'tool_call',
      scope: scope.path,
      name: tool.name,
      agent: scope.agent,
      callId: call.callId,
      effect: declaredEffect(tool) ?? activity.effectDefault,
      idempotencyKey: call.idempotencyKey,
      input: parseArguments(input) as Json,
    },
    journal.stepNumber(key),
  );
  const { step: number, callId, name } = step;
  journal.emitOnce(
    { type: 'tool.started', step: number, call_id: callId ?? '', tool: name, arguments: step.input },
    callId ?? '',
  );
  // The intent is durable, and the run still ours, before anything happens.
  await journal.flush();
  activity.fault('tool.beforeEffect');
  activity.assertHeld();

  const end = (outcome: Parameters<typeof journal.end>[1]) => {
    if (activity.isOpen() && journal.end(step, outcome)) tellCompleted(invocation, step);
  };
  const timedOut = () => {
    const { reason } = details.signal as AbortSignal;
    if (isTimeoutReason(reason))
      end({ status: 'failed', isError: true, error: { ...errorOf(reason), name: 'ToolTimeoutError' } });
  };
  details.signal?.addEventListener('abort', timedOut, { once: true });
  try {
    const value = toRecordable(await runScope.run(callScope(scope, call), work));
    activity.fault('tool.afterEffect');
    end({
      status: 'completed',
      output: value,
      isError: typeof value === 'string' && value.startsWith(defaultErrorText),
    });
    await journal.flush();
    return value;
  } catch (error) {
    // A call that was told to stop has no outcome worth keeping; the run ends or asks again.
    if (!activity.signal.aborted) end({ status: 'failed', isError: true, error: errorOf(error) });
    throw error;
  } finally {
    details.signal?.removeEventListener('abort', timedOut);
  }
}

/** One call of a tool within a run: answered from the journal, or executed and recorded. */
async function invoke(invocation: Invocation, work: () => Promise<unknown>): Promise<unknown> {
  const { scope, tool, details } = invocation;
  const { activity } = scope;
  const { journal } = activity;
  const path = `${scope.path}/${details.toolCall?.callId ?? ''}`.replace(/^\//, '');
  const key = `t:${path}`;
  const recorded = journal.find(key);
  if (recorded?.status === 'completed' || recorded?.status === 'failed') {
    journal.replayed(recorded, false);
    tellCompleted(invocation, recorded);
    return replay(recorded, tool, details);
  }
  if (recorded && !mayRepeat(recorded)) {
    journal.end(recorded, { status: 'unknown' });
    throw new UnknownOutcomeError(recorded);
  }
  activity.beginStep();
  try {
    return await execute(invocation, key, path, work);
  } finally {
    activity.endStep();
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
 * @throws {Error} if the tool cannot be part of a durable run, which only a run finds out of agents that nobody named to
 *   the service
 */
export function journalTool<T extends ToolLike>(original: T): T {
  const why = whyNotDurable(original as never);
  if (why !== null) throw new Error(why);
  if (!isJournaledTool(original)) return original;
  const tool = original as unknown as AnyTool;
  const journaled: AnyTool['invoke'] = async (runContext: RunContext<unknown>, input, details) => {
    const scope = runScope.getStore();
    const work = async () => tool.invoke(runContext, input, details);
    if (!scope || !details?.toolCall || !scope.activity.isOpen()) return work() as never;
    return invoke({ scope, tool, input, details }, work) as never;
  };
  return clone(tool, { invoke: journaled }) as unknown as T;
}
