import {
  type ModelSettings,
  type RunConfig,
  type RunErrorHandlers,
  Runner,
  type StreamRunOptions,
} from '@openai/agents';
import { assertKnownNames, RegistrationError } from '../../agents/index.ts';
import { isRecord } from '../../platform/is-record.ts';
import { type RunnerListeners, type RunnerOptions, toRunConfig } from './runner-options.ts';

/** What the value of an option has to be: in words, and as a check. */
type Check = { expected: string; accepts(value: unknown): boolean };

const isFunction = (value: unknown): boolean => typeof value === 'function';

const text: Check = { expected: 'a text', accepts: (value) => typeof value === 'string' };
const flag: Check = { expected: 'true or false', accepts: (value) => typeof value === 'boolean' };
const callback: Check = { expected: 'a function', accepts: isFunction };
const callbackOr = ({ expected, accepts }: Check): Check => ({
  expected: `${expected} or a function`,
  accepts: (value) => isFunction(value) || accepts(value),
});
const texts: Check = {
  expected: 'a record of texts',
  accepts: (value) => isRecord(value) && Object.values(value).every(text.accepts),
};
const oneOf = (...values: string[]): Check => ({
  expected: values.map((value) => `'${value}'`).join(' or '),
  accepts: (value) => values.includes(value as string),
});
const atLeastOne: Check = {
  expected: 'a whole number of at least 1',
  accepts: (value) => Number.isInteger(value) && (value as number) >= 1,
};
const guardrails: Check = {
  expected: 'a list of guardrails: { name, execute }',
  accepts: (value) =>
    Array.isArray(value) &&
    value.every((each) => isRecord(each) && text.accepts(each.name) && isFunction(each.execute)),
};

/** A record with known names, whose values may have to be of a kind. */
type KnownRecord = { names: readonly string[]; each?: Check };

const namesOf = <Names extends object>(names: Record<keyof Names, true>): string[] => Object.keys(names);

const hooks: KnownRecord = {
  names: namesOf<Required<RunnerListeners>>({
    agent_start: true,
    agent_end: true,
    agent_handoff: true,
    agent_tool_start: true,
    agent_tool_end: true,
  }),
  each: callback,
};
const errorHandlers: KnownRecord = {
  names: namesOf<Required<RunErrorHandlers<never, never>>>({
    maxTurns: true,
    modelRefusal: true,
    invalidFinalOutput: true,
    default: true,
  }),
  each: callback,
};
const tracing: KnownRecord = {
  names: namesOf<Required<NonNullable<RunConfig['tracing']>>>({ apiKey: true, includeTaskAndTurnSpans: true }),
};
const toolExecution: KnownRecord = {
  names: namesOf<Required<NonNullable<RunConfig['toolExecution']>>>({
    maxFunctionToolConcurrency: true,
    preApprovalInputGuardrails: true,
  }),
};
const modelSettings: KnownRecord = {
  names: namesOf<Required<ModelSettings>>({
    timeoutMs: true,
    temperature: true,
    topP: true,
    frequencyPenalty: true,
    presencePenalty: true,
    toolChoice: true,
    parallelToolCalls: true,
    truncation: true,
    maxTokens: true,
    store: true,
    promptCacheRetention: true,
    promptCacheOptions: true,
    contextManagement: true,
    reasoning: true,
    text: true,
    providerData: true,
    retry: true,
    preserveRawUsage: true,
  }),
};

const taken: { [Name in keyof Required<RunnerOptions>]: Check | KnownRecord } = {
  maxTurns: atLeastOne,
  modelSettings,
  inputGuardrails: guardrails,
  outputGuardrails: guardrails,
  handoffInputFilter: callback,
  callModelInputFilter: callback,
  toolErrorFormatter: callback,
  outputGuardrailBlockedMessage: callbackOr(text),
  toolExecution,
  toolNotFoundBehavior: oneOf('raise_error', 'return_error_to_model'),
  toolNameCollisionPolicy: oneOf('warn', 'error'),
  reasoningItemIdPolicy: oneOf('preserve', 'omit'),
  errorHandlers,
  workflowName: text,
  groupId: callbackOr(text),
  traceMetadata: callbackOr(texts),
  traceIncludeSensitiveData: flag,
  tracing,
  on: hooks,
};

/** Whether the `runner` option of `serve()` has an option of this name. */
export const isRunnerOption = (name: string): boolean => Object.hasOwn(taken, name);

/** Every other field of the SDK's `RunConfig` and options of `run()`. */
type OtherField = Exclude<keyof RunConfig | keyof StreamRunOptions, keyof RunnerOptions>;

/** Why the service does not take them, and what to do instead. The compiler asks for each that a new SDK adds. */
const refused: Record<OtherField, string> = {
  model: 'set OPENAI_MODEL, or give the agents a model; the option models lets requests choose one.',
  modelProvider: 'use the option providers of serve(), or OPENAI_BASE_URL.',
  sandbox: 'agents in a sandbox cannot be recorded; give an Agent a shellTool(), or a tool that calls your sandbox.',
  sessionInputCallback: 'use the option sessionInput of serve(), which has the same signature.',
  session: 'the service keeps sessions itself: session_id of the request.',
  conversationId: 'the service keeps sessions itself: session_id of the request.',
  previousResponseId: 'the service keeps sessions itself: session_id of the request.',
  context: 'use the option context of serve().',
  signal: 'runs are ended by POST /api/v1/runs/<id>/cancel, or by their time (timeout_s).',
  stream: 'the request chooses: POST /api/v1/run/stream.',
  traceId: 'each run has a trace of its own; groupId groups them.',
  tracingDisabled: 'traces are off unless onStart calls setTracingDisabled(false).',
};

function assertField(name: keyof RunnerOptions, value: unknown): void {
  const check = taken[name];
  const where = `runner.${name}`;
  if ('accepts' in check) {
    if (!check.accepts(value)) throw new RegistrationError(`${where} must be ${check.expected}.`);
    return;
  }
  if (!isRecord(value)) throw new RegistrationError(`${where} must be a record of ${check.names.join(', ')}.`);
  assertKnownNames(where, 'field', value, check.names);
  for (const [key, inner] of Object.entries(value)) {
    if (inner === undefined || !check.each || check.each.accepts(inner)) continue;
    throw new RegistrationError(`${where}.${key} must be ${check.each.expected}.`);
  }
}

/**
 * Checks the `runner` option of `serve()`.
 *
 * @throws {RegistrationError} for what the service does not take, with what to do instead, and for values that the SDK
 *   would refuse or ignore
 */
export function assertRunnerOptions(options: RunnerOptions): void {
  if (!isRecord(options)) throw new RegistrationError('runner must be a record of options.');
  for (const name of Object.keys(options)) {
    const instead = Object.hasOwn(refused, name) ? refused[name as OtherField] : undefined;
    if (instead !== undefined) throw new RegistrationError(`runner.${name} is not taken: ${instead}`);
  }
  assertKnownNames('runner', 'option', options, Object.keys(taken));
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined) assertField(name as keyof RunnerOptions, value);
  }
  try {
    new Runner(toRunConfig(options));
  } catch (error) {
    throw new RegistrationError(`runner: ${(error as Error).message}`);
  }
}
