import { type AgentInputItem, Runner, type RunResult, type StreamedRunResult, withTrace } from '@openai/agents';
import { type AgentRegistry, type AnyAgent, buildContext, kindOf, type RunContexts } from '../../agents/index.ts';
import { isTraced } from '../../platform/sdk-defaults.ts';
import { type Run, toInputItems } from '../../storage/port/index.ts';
import { approvalKey, type RecordedDecision } from '../approvals/decisions.ts';
import { callIdOf } from '../approvals/required-action.ts';
import type { RunSession } from '../conversation/run-session.ts';
import type { ReadSessionContext } from '../conversation/session-context.ts';
import { optionsOf } from '../run-options.ts';
import type { ToolCall } from './agent-tool-calls.ts';
import type { AttemptContext } from './attempt-context.ts';
import { journalGuardrails } from './journaled-guardrail.ts';
import { type RunDefaults, rootScope, runScope } from './run-scope.ts';
import { type RunnerOptions, type TracedRun, toRunConfig, traceOf } from './runner-options.ts';

/** What the SDK returns for a run. */
// biome-ignore lint/suspicious/noExplicitAny: results are of whatever output type the user's agent has
export type SdkResult = RunResult<any, any> | StreamedRunResult<any, any>;

/** Dependencies of the SDK's part in an execution. */
export type SdkRunDeps = {
  agents: AgentRegistry;
  contexts: RunContexts;
  /** What a session has kept for the next run. */
  sessionContext: ReadSessionContext;
  defaults: RunDefaults;
  /** The most turns of a run whose request names no limit. */
  turnsMax: number;
  /** What the application has its runs executed with. Defaults to nothing. */
  runner?: RunnerOptions;
};

/** Has the SDK carry a run out, until it ends or waits for decisions that are not made yet. */
export type SdkRun = (attempt: AttemptContext, agent: AnyAgent, session: RunSession | null) => Promise<SdkResult>;

/** Makes the function that has the SDK carry runs out. */
export function createSdkRun(deps: SdkRunDeps): SdkRun {
  const { agents, defaults, turnsMax, runner: given = {} } = deps;
  const traced = new ObservedRunner(defaults, agents, given, true);
  const untraced = new ObservedRunner(defaults, agents, given, false);
  const { errorHandlers } = given;

  return async (attempt, agent, runSession) => {
    const { run, signal } = attempt;
    const runContext = await beginContext(attempt, deps);
    const { session, sessionInputCallback } = runSession ?? {};
    const maxTurns = optionsOf(run).max_turns ?? turnsMax;
    const options = { session, sessionInputCallback, context: runContext, maxTurns, errorHandlers, signal };
    const isRecordedInTrace = isTraced();
    const runner = isRecordedInTrace ? traced : untraced;
    const streamed = async (input: AgentInputItem[] | SdkResult['state']): Promise<SdkResult> => {
      const result = await runner.run(agent, input, { ...options, stream: true });
      // The events of the run come from its models and tools; the SDK's own queue of events has no bound unless read.
      for await (const _ of result);
      await result.completed;
      return result;
    };
    const start = (input: AgentInputItem[] | SdkResult['state']): Promise<SdkResult> =>
      run.mode === 'stream' ? streamed(input) : runner.run(agent, input, options);
    const scope = rootScope(attempt, defaults);
    const runToEnd = async (): Promise<SdkResult> => {
      let result = await start(toInputItems(run.input) as unknown as AgentInputItem[]);
      while (applyApprovals(result, attempt)) {
        scope.begun = false; // the run goes on; it is not a child of itself
        result = await start(result.state);
      }
      return result;
    };
    return runScope.run(scope, () => (isRecordedInTrace ? inTrace(given, factsOf(run), runToEnd) : runToEnd()));
  };
}

/** Carries a run out in a trace with its group and metadata: the runner, which all runs share, has one value of each. */
const inTrace = (options: RunnerOptions, run: TracedRun, work: () => Promise<SdkResult>): Promise<SdkResult> =>
  withTrace(options.workflowName ?? 'Agent workflow', work, traceOf(options, run));

/** The context of a run: as it began in its first attempt, or built for that. Its changes are recorded from now on. */
export async function beginContext(
  attempt: AttemptContext,
  deps: Pick<SdkRunDeps, 'contexts' | 'sessionContext'>,
): Promise<object> {
  const tracked = attempt.journal.side.contexts;
  const recorded = tracked.initial();
  const context = recorded ?? (await buildFirstContext(attempt, deps));
  tracked.track('', { context }, recorded !== undefined || Object.keys(context).length === 0);
  return context;
}

async function buildFirstContext(
  { run }: AttemptContext,
  { contexts: { build, keep }, sessionContext }: Pick<SdkRunDeps, 'contexts' | 'sessionContext'>,
): Promise<object> {
  const previous = keep === 'session' ? await sessionContext(run) : null;
  return buildContext(build, { ...factsOf(run), previous });
}

const factsOf = ({ id: runId, tenantId: tenant, sessionId, metadata }: Run): TracedRun => ({
  runId,
  tenant,
  sessionId,
  metadata,
});

/** Applies recorded decisions to the calls that wait for them; false if one is not decided yet, or none waits. */
export function applyApprovals(result: SdkResult, { journal }: AttemptContext): boolean {
  const { interruptions, state } = result;
  const decided = interruptions.flatMap((item) => {
    const step = journal.find(approvalKey(callIdOf(item.rawItem)));
    return step ? [{ item, step, ...(step.output as RecordedDecision) }] : [];
  });
  if (decided.length === 0 || decided.length < interruptions.length) return false;
  // A decision for all calls of a tool replaces those about single calls, which have to count for theirs: it is first.
  const ordered = [...decided.filter(({ always }) => always), ...decided.filter(({ always }) => !always)];
  for (const { item, step, decision, reason: message, always } of ordered) {
    journal.replayed(step, false);
    if (decision === 'approve') state.approve(item, { alwaysApprove: always });
    else state.reject(item, { alwaysReject: always, message });
  }
  return true;
}

/**
 * The runner of all runs, with or without the SDK's traces: a runner with traces makes them even if no exporter records
 * them. Its events belong to the run in whose scope they are emitted; the run observes them also when they are replayed
 * and no hook is called. A runner per run, with listeners that refer to the run, would keep that run until a full garbage
 * collection, by what the SDK notes of a runner in a `WeakMap`.
 */
class ObservedRunner extends Runner {
  readonly #agents: AgentRegistry;

  constructor({ modelProvider }: RunDefaults, agents: AgentRegistry, options: RunnerOptions, traces: boolean) {
    const { inputGuardrails, outputGuardrails, ...config } = toRunConfig(options);
    super({
      ...config,
      ...(inputGuardrails ? { inputGuardrails: journalGuardrails('input', inputGuardrails) } : {}),
      ...(outputGuardrails ? { outputGuardrails: journalGuardrails('output', outputGuardrails) } : {}),
      modelProvider,
      tracingDisabled: !traces,
    });
    for (const [name, listener] of Object.entries(options.on ?? {})) this.on(name as 'agent_start', listener as never);
    this.#agents = agents;
  }

  override emit: Runner['emit'] = (type, ...values) => {
    const scope = runScope.getStore();
    if (scope) this.#observe(scope.attempt, [type, ...values]);
    return super.emit(type, ...values);
  };

  #observe(attempt: AttemptContext, [type, , agent, other, ...values]: unknown[]): void {
    const nameOf = (named: unknown) => this.#agents.nameOf(named as AnyAgent);
    if (type === 'agent_handoff') attempt.handedOff(nameOf(agent), nameOf(other));
    // Agents used as tools are not journaled as a whole; their steps are. Their calls are reported all the same.
    if (!isAgentTool(other)) return;
    const { toolCall } = values.at(-1) as { toolCall: ToolCall };
    if (type === 'agent_tool_start') attempt.agentToolStarted(nameOf(agent), toolCall);
    if (type === 'agent_tool_end') attempt.agentToolEnded(toolCall, String(values[0]));
  }
}

const isAgentTool = (tool: unknown): boolean => typeof tool === 'object' && tool !== null && kindOf(tool) === 'agent';
