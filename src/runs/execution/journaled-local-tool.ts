import { type Computer, computerTool, type Editor, type Shell } from '@openai/agents';
import { type AnyTool, effectOf } from '../../agents/index.ts';
import type { Json, Step } from '../../storage/port/index.ts';
import { isRefused } from '../tool-outputs/tool-output.ts';
import { journalApproval } from './journaled-approval.ts';
import { jsonCodec } from './json-codec.ts';
import { copyWith } from './object-copy.ts';
import { RecordedWork, recordedErrorOf } from './recorded-work.ts';
import { type LocalToolCall, type RunScope, runScope } from './run-scope.ts';
import { workKeys } from './step-record.ts';
import { emitToolCompleted, emitToolStarted } from './tool-events.ts';
import { recallResult, recordResult } from './tool-result.ts';

/** A call of a local tool within a run. `attempt.interrupt` ends the run for what stops it. */
class LocalCall {
  readonly #scope: RunScope;
  readonly #tool: string;
  readonly #work: RecordedWork;

  constructor(scope: RunScope, tool: AnyTool, callId: string, input: Json) {
    this.#scope = scope;
    this.#tool = tool.name;
    this.#work = new RecordedWork({
      scope,
      key: workKeys.tool,
      id: callId,
      kind: 'tool_call',
      name: tool.name,
      callId,
      effect: effectOf(tool, scope.attempt.effectDefault),
      input,
      hasIntent: true,
    });
  }

  /** The recorded outcome: what the call returned, or the error that it threw. Null if it is not recorded. */
  recorded(): { output: unknown; error: Error | null } | null {
    const step = this.#work.recorded();
    if (step === null) return null;
    emitToolCompleted(this.#scope, step);
    if (step.isError && !isRefused(step.output)) return { output: null, error: recordedErrorOf(step) };
    return { output: recallResult(this.#scope, step.output), error: null };
  }

  /** Begins the call. What stops it ends the run: the SDK would tell the model of it as of an error of the tool. */
  async begin(): Promise<void> {
    try {
      await this.#work.begin((step) => emitToolStarted(this.#scope, step));
    } catch (error) {
      this.#work.settle();
      await this.#scope.attempt.interruptForGood(error, this.#scope.within);
    }
  }

  execute<T>(work: () => T): Promise<Awaited<T>> {
    return this.#work.execute(work);
  }

  /** Records what the call returned, and returns what a replay does. */
  async completed(value: unknown): Promise<unknown> {
    const output = recordResult(this.#scope, this.#tool, value);
    this.#ended(this.#work.end({ status: 'completed', output, isError: isRefused(output) }));
    const { attempt, within } = this.#scope;
    await attempt.journal.flush().catch((error: unknown) => attempt.interruptForGood(error, within));
    return recallResult(this.#scope, output);
  }

  failed(error: unknown): void {
    this.#ended(this.#work.fail(error));
  }

  #ended(step: Step | null): void {
    this.#work.settle();
    if (step) emitToolCompleted(this.#scope, step);
  }
}

/** A call of a local tool that the SDK executes, and its scope. */
type Current = { scope: RunScope; toolCall: LocalToolCall };

/** The call of this tool that the SDK executes at the moment; null outside of a run. */
function currentCallOf(tool: AnyTool): Current | null {
  const scope = runScope.getStore();
  const toolCall = scope?.localCalls.get(tool.name);
  return scope?.attempt.isRecording() && toolCall !== undefined ? { scope, toolCall } : null;
}

/** Executes a call that is one function, or answers it from the record. */
async function callOnce<T>(tool: AnyTool, input: unknown, code: () => Promise<T>): Promise<T> {
  const current = currentCallOf(tool);
  if (current === null) return code();
  const call = new LocalCall(current.scope, tool, current.toolCall.callId, jsonCodec().record(input));
  const recorded = call.recorded();
  if (recorded?.error) throw recorded.error;
  if (recorded) return recorded.output as T;
  await call.begin();
  let result: T;
  try {
    result = await call.execute(code);
  } catch (error) {
    call.failed(error);
    throw error;
  }
  return (await call.completed(result)) as T;
}

const editorMethods = ['createFile', 'updateFile', 'deleteFile'] as const;

type ShellResult = Awaited<ReturnType<Shell['run']>>;

/** What a shell has given. A person who decides about its outcome may give the text alone. */
const asShellResult = (result: ShellResult | string): ShellResult =>
  typeof result === 'string'
    ? { output: [{ stdout: result, stderr: '', outcome: { type: 'exit', exitCode: 0 } }] }
    : result;

function journalEditor(tool: AnyTool, editor: Editor): Editor {
  const methods = editorMethods.map((name) => {
    const journaled = (operation: never, context: never) =>
      callOnce(tool, operation, async () => editor[name](operation, context));
    return [name, journaled];
  });
  return Object.fromEntries(methods) as Editor;
}

type Method = (...args: unknown[]) => unknown;

const computerActions: ReadonlySet<string> = new Set([
  'click',
  'doubleClick',
  'drag',
  'keypress',
  'move',
  'scroll',
  'type',
  'wait',
  'screenshot',
] satisfies (keyof Computer)[]);

type ComputerCall = { call: LocalCall; recorded: ReturnType<LocalCall['recorded']> };

/**
 * Executes one action of a computer. The actions of a call are one step: it begins with the first one, and is over with
 * the screenshot, which the SDK takes last, or with an error.
 */
async function actOnComputer(
  tool: AnyTool,
  calls: WeakMap<LocalToolCall, Promise<ComputerCall>>,
  name: string,
  code: () => unknown,
): Promise<unknown> {
  const current = currentCallOf(tool);
  if (current === null) return code();
  const begun = calls.get(current.toolCall) ?? beginComputerCall(tool, current);
  calls.set(current.toolCall, begun);
  const { call, recorded } = await begun;
  if (recorded?.error) throw recorded.error;
  if (recorded) return recorded.output;
  try {
    const result = await call.execute(code);
    if (name === 'screenshot') return await call.completed(result);
    return result;
  } catch (error) {
    call.failed(error);
    throw error;
  }
}

async function beginComputerCall(tool: AnyTool, { scope, toolCall }: Current): Promise<ComputerCall> {
  const call = new LocalCall(scope, tool, toolCall.callId, jsonCodec().record(toolCall.actions ?? toolCall.action));
  const recorded = call.recorded();
  if (recorded === null) await call.begin();
  return { call, recorded };
}

/** A computer whose actions are journaled within a run; everything else is as it was. */
function journalComputer(tool: AnyTool, original: Computer): Computer {
  const calls = new WeakMap<LocalToolCall, Promise<ComputerCall>>();
  return new Proxy(original, {
    get: (computer, name) => {
      const member = Reflect.get(computer, name, computer) as unknown;
      if (typeof member !== 'function') return member;
      if (!computerActions.has(String(name))) return member.bind(computer);
      return (...args: unknown[]) =>
        actOnComputer(tool, calls, String(name), () => (member as Method).apply(computer, args));
    },
  });
}

type ComputerOption = Parameters<typeof computerTool>[0]['computer'];
type ComputerInitializer = (args: never) => Computer | Promise<Computer>;
type ComputerProvider = { create: ComputerInitializer };

/** What a computer tool was given: a computer, a function that makes one for each run, or an object with such a function. */
function journalComputerOption(tool: AnyTool, given: unknown): ComputerOption {
  const journalMade = (make: ComputerInitializer) => async (args: never) => journalComputer(tool, await make(args));
  if (typeof given === 'function') return journalMade(given as ComputerInitializer) as ComputerOption;
  if (typeof (given as Partial<ComputerProvider>).create !== 'function' || 'screenshot' in (given as object))
    return journalComputer(tool, given as Computer) as ComputerOption;
  const provider = given as ComputerProvider;
  return copyWith(provider, { create: journalMade(provider.create.bind(provider)) }) as unknown as ComputerOption;
}

type LocalTool = AnyTool & { shell?: Shell; editor?: Editor; computer?: unknown };

/** Marked by the SDK's own factory: it knows computers that are made for each run by their tool. */
const remadeComputerTool = (tool: LocalTool): object =>
  Object.assign(computerTool({ name: tool.name, computer: journalComputerOption(tool, tool.computer) }), {
    ...('onSafetyCheck' in tool ? { onSafetyCheck: tool.onSafetyCheck } : {}),
    ...('customDataExtractor' in tool ? { customDataExtractor: tool.customDataExtractor } : {}),
    needsApproval: tool.needsApproval,
  });

/**
 * A computer, shell or patch tool whose calls within a run are recorded, intent before and outcome after, and answered
 * from the record when the run is executed again. Those without a declared effect happen `once`.
 */
export function journalLocalTool(original: LocalTool): object {
  const approval = journalApproval(original);
  if (original.shell) {
    const { shell } = original;
    const run: Shell['run'] = async (action) =>
      asShellResult(await callOnce(original, action, () => shell.run(action)));
    return copyWith(original, { shell: { run }, ...approval } as Partial<LocalTool>);
  }
  if (original.editor) {
    const editor = journalEditor(original, original.editor);
    return copyWith(original, { editor, ...approval } as Partial<LocalTool>);
  }
  return Object.assign(remadeComputerTool(original), approval);
}
