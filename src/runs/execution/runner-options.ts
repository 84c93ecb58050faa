import type { RunConfig, RunErrorHandlers, RunHookEvents } from '@openai/agents';
import type { RunFacts } from '../../agents/index.ts';

/** What is known of a run when it begins, as the `context` option gets it. */
export type TracedRun = Omit<RunFacts, 'previous'>;

/** The fields of the SDK's `RunConfig` that are given to the runner of all runs as they are. */
type SharedConfig = Pick<
  RunConfig,
  | 'modelSettings'
  | 'inputGuardrails'
  | 'outputGuardrails'
  | 'handoffInputFilter'
  | 'callModelInputFilter'
  | 'toolErrorFormatter'
  | 'outputGuardrailBlockedMessage'
  | 'toolExecution'
  | 'toolNotFoundBehavior'
  | 'toolNameCollisionPolicy'
  | 'reasoningItemIdPolicy'
  | 'workflowName'
  | 'traceIncludeSensitiveData'
  | 'tracing'
>;

/** Listeners for the events of the SDK's `Runner`, by the name of the event. */
export type RunnerListeners = {
  // biome-ignore lint/suspicious/noExplicitAny: agents and contexts are of whatever type the application has
  [Name in keyof RunHookEvents<any, any>]?: (...args: RunHookEvents<any, any>[Name]) => void;
};

/**
 * What the SDK's `Runner` and `run()` take, for the runs of the service. Fields have the meaning and the default that they
 * have there. As there, agents used as tools inherit a part of it, and a `run()` in a tool or a guardrail has its own.
 *
 * Guardrails are recorded, and listeners are not called for what is recorded. All other functions have to return the same
 * whenever a run is executed again, after a crash or an approval.
 */
export type RunnerOptions = Partial<SharedConfig> & {
  /** The most turns of a run; a request may ask for fewer (`max_turns`). Defaults to `MAX_TURNS`. */
  maxTurns?: number;
  /** Gives a run an answer in place of an error. */
  // biome-ignore lint/suspicious/noExplicitAny: agents and contexts are of whatever type the application has
  errorHandlers?: RunErrorHandlers<any, any>;
  /** Groups the traces of runs. Defaults to the id of the session. */
  groupId?: string | ((run: TracedRun) => string | undefined);
  /** Added to the trace of a run. Defaults to nothing. */
  traceMetadata?: Record<string, string> | ((run: TracedRun) => Record<string, string> | undefined);
  /** Listeners for the events of all runs, as `runner.on()` adds them; nested runs have their own. */
  on?: RunnerListeners;
};

/** The part of the options that the constructor of a `Runner` takes. */
export function toRunConfig(options: RunnerOptions): Partial<SharedConfig> {
  const { maxTurns: _, errorHandlers: __, groupId: ___, traceMetadata: ____, on: _____, ...config } = options;
  return config;
}

const valueFor = <Value>(option: Value | ((run: TracedRun) => Value), run: TracedRun): Value =>
  typeof option === 'function' ? (option as (run: TracedRun) => Value)(run) : option;

/** The group and the metadata of the trace of one run. */
export const traceOf = ({ groupId, traceMetadata, tracing }: RunnerOptions, run: TracedRun) => ({
  groupId: (groupId === undefined ? undefined : valueFor(groupId, run)) ?? run.sessionId ?? undefined,
  metadata: traceMetadata === undefined ? undefined : valueFor(traceMetadata, run),
  tracingApiKey: tracing?.apiKey,
});
