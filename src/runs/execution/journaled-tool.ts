import type { FunctionTool, RunContext } from '@openai/agents';
import { effectOf, kindOf } from '../../agents/index.ts';
import { type Json, JsonText, type Step } from '../../storage/port/index.ts';
import { parseArguments } from '../tool-arguments.ts';
import { isRefused } from '../tool-outputs/tool-output.ts';
import { journalApproval, journalHostedApproval } from './journaled-approval.ts';
import { journalToolGuardrails } from './journaled-guardrail.ts';
import { journalLocalTool } from './journaled-local-tool.ts';
import { copyWith } from './object-copy.ts';
import { errorOf, RecordedWork, recordedErrorOf } from './recorded-work.ts';
import { type RunScope, runScope } from './run-scope.ts';
import { invokeWithoutText } from './sdk-serialisation.ts';
import { type StepEnd, workKeys } from './step-record.ts';
import { emitToolCompleted, emitToolStarted } from './tool-events.ts';
import { recallToolResult, recordToolResult } from './tool-result.ts';

type AnyTool = FunctionTool<unknown>;
type Details = Parameters<AnyTool['invoke']>[2];

/** The SDK turns what a tool throws into this sentence for the model, unless the tool's author chose otherwise. */
const defaultErrorText = 'An error occurred while running the tool.';

/** Whether the model is told of an error: the SDK has made a sentence of it, or the result is not kept. */
function isErrorOutput(output: Json): boolean {
  if (output instanceof JsonText && output.text.startsWith(`"${defaultErrorText}`)) return true;
  return isRefused(output) || (typeof output === 'string' && output.startsWith(defaultErrorText));
}

const isTimeout = (error: unknown) => error instanceof Error && error.name === 'ToolTimeoutError';
const isTimeoutReason = (error: unknown) => isTimeout(error) || errorOf(error).message.includes('timed out');

type Invocation = { scope: RunScope; tool: AnyTool; input: string; details: NonNullable<Details> };

/** Repeats the recorded outcome of a call. */
async function replay(step: Step, { scope, tool, details }: Invocation): Promise<unknown> {
  if (step.status === 'completed') return recallToolResult(scope, tool, step.step, step.output);
  const error = recordedErrorOf(step);
  if (error.name === 'ToolTimeoutError' && tool.timeoutMs !== undefined && details.signal) {
    // The SDK itself words a timeout for the model, once the time is over.
    const { signal } = details;
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
  }
  throw error;
}

function toRecordedWork({ scope, tool, input, details }: Invocation): RecordedWork {
  const callId = details.toolCall?.callId ?? '';
  return new RecordedWork({
    scope,
    key: workKeys.tool,
    id: callId,
    kind: 'tool_call',
    name: tool.name,
    callId,
    effect: effectOf(tool, scope.attempt.effectDefault),
    input: parseArguments(input) as Json,
    hasIntent: true,
    signal: details.signal,
  });
}

/** Executes one call of a tool, whose intent is recorded, and records its outcome. */
async function execute(
  { scope, tool, details }: Invocation,
  call: RecordedWork,
  work: () => Promise<unknown>,
): Promise<unknown> {
  const ended = (step: Step | null) => {
    if (step) emitToolCompleted(scope, step);
  };
  const end = (outcome: StepEnd) => ended(call.end(outcome));
  const timedOut = () => {
    const { reason } = details.signal as AbortSignal;
    if (isTimeoutReason(reason))
      end({ status: 'failed', isError: true, error: { ...errorOf(reason), name: 'ToolTimeoutError' } });
  };
  details.signal?.addEventListener('abort', timedOut, { once: true });
  try {
    const { output, recall } = await recordToolResult(scope, tool, await call.execute(work));
    const step = call.end({ status: 'completed', output, isError: isErrorOutput(output) });
    ended(step);
    await scope.attempt.journal.flush();
    return await recall(step?.step ?? null);
  } catch (error) {
    ended(call.fail(error));
    throw error;
  } finally {
    details.signal?.removeEventListener('abort', timedOut);
  }
}

/** One call of a tool within a run: answered from the journal, or executed and recorded. */
async function invoke(invocation: Invocation, work: () => Promise<unknown>): Promise<unknown> {
  const { scope } = invocation;
  const call = toRecordedWork(invocation);
  const recorded = call.recorded();
  if (recorded) {
    emitToolCompleted(scope, recorded);
    return replay(recorded, invocation);
  }
  try {
    await call.begin((step) => emitToolStarted(scope, step));
    return await execute(invocation, call, work);
  } finally {
    call.settle();
  }
}

type ToolLike = { type: string };

/** Whether calls of this tool are journaled as a whole; an agent used as a tool is executed again, over its own journal. */
export const isJournaledTool = (tool: ToolLike): boolean => kindOf(tool) === 'journaled';

function journalFunctionTool(tool: AnyTool): AnyTool {
  const journaled: AnyTool['invoke'] = async (runContext: RunContext<unknown>, input, details) => {
    const scope = runScope.getStore();
    const work = async () => invokeWithoutText(() => tool.invoke(runContext, input, details));
    if (!scope || !details?.toolCall || !scope.attempt.isRecording()) return work() as never;
    return invoke({ scope, tool, input, details }, work) as never;
  };
  return copyWith(tool, {
    invoke: journaled,
    ...journalToolGuardrails(tool),
    ...journalApproval(tool),
  } as Partial<AnyTool>);
}

/** An agent used as a tool that tells the runs it begins for which call they are. */
function followAgentTool({ invoke: original }: AnyTool): Pick<AnyTool, 'invoke'> {
  const followed: AnyTool['invoke'] = async (runContext, input, details) => {
    const scope = runScope.getStore();
    const work = async () => original(runContext, input, details);
    const callId = details?.toolCall?.callId;
    if (!scope || callId === undefined) return work() as never;
    return runScope.run({ ...scope, agentCall: callId }, work) as never;
  };
  return { invoke: followed };
}

/**
 * A tool whose calls within a run are recorded, intent before and outcome after, and answered from the record when the
 * run is executed again; likewise its guardrails and what it decides about approvals. The user's tool is left as it is.
 */
export function journalTool<T extends ToolLike>(original: T): T {
  switch (kindOf(original)) {
    case 'journaled':
      return journalFunctionTool(original as unknown as AnyTool) as unknown as T;
    case 'local':
      return journalLocalTool(original as never) as unknown as T;
    case 'agent': {
      const changes = {
        ...journalToolGuardrails(original as object),
        ...journalApproval(original),
        ...followAgentTool(original as unknown as AnyTool),
      };
      // The SDK knows an agent used as a tool by the object itself.
      return Object.assign(original, changes);
    }
    case 'hosted':
      return journalHostedApproval(original);
  }
}
