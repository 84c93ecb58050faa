import { type AgentInputItem, Runner, type RunResult, type StreamedRunResult } from '@openai/agents';
import type { AgentRegistry, AnyAgent, ContextBuilder } from '../../agents/index.ts';
import { buildContext } from '../../agents/index.ts';
import { isTraced } from '../../platform/sdk-defaults.ts';
import { type Step, toInputItem } from '../../storage/port/index.ts';
import { approvalKey } from '../approvals/decisions.ts';
import { callIdOf } from '../approvals/required-action.ts';
import type { RunSession } from '../conversation/run-session.ts';
import type { ToolCall } from './agent-tool-calls.ts';
import type { AttemptContext } from './attempt-context.ts';
import { isJournaledTool } from './journaled-tool.ts';
import { type RunDefaults, type RunScope, rootScope, runScope } from './run-scope.ts';

/** What the SDK returns for a run. */
// biome-ignore lint/suspicious/noExplicitAny: results are of whatever output type the user's agent has
export type SdkResult = RunResult<any, any> | StreamedRunResult<any, any>;

/** Dependencies of the SDK's part in an execution. */
export type SdkRunDeps = {
  agents: AgentRegistry;
  context: ContextBuilder | undefined;
  defaults: RunDefaults;
  turnsMax: number;
};

/** Has the SDK carry a run out, until it ends or waits for decisions that are not made yet. */
export type SdkRun = (attempt: AttemptContext, agent: AnyAgent, session: RunSession | null) => Promise<SdkResult>;

/** Makes the function that has the SDK carry runs out. */
export function createSdkRun({ agents, context, defaults, turnsMax }: SdkRunDeps): SdkRun {
  const traced = createRunner(defaults, agents, true);
  const untraced = createRunner(defaults, agents, false);

  return async (attempt, agent, runSession) => {
    const { run, signal } = attempt;
    const runContext = await buildContext(context, {
      runId: run.id,
      tenant: run.tenantId,
      sessionId: run.sessionId,
      metadata: run.metadata,
    });
    const { session, sessionInputCallback } = runSession ?? {};
    const options = { session, sessionInputCallback, context: runContext, maxTurns: turnsMax, signal };
    const runner = isTraced() ? traced : untraced;
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
    return runScope.run(scope, async () => {
      let result = await start([toInputItem(run.input) as unknown as AgentInputItem]);
      while (applyApprovals(result, attempt)) {
        scope.begun = false; // the run goes on; it is not a child of itself
        result = await start(result.state);
      }
      return result;
    });
  };
}

/** Applies recorded decisions to the calls that wait for them; false if one is not decided yet, or none waits. */
function applyApprovals(result: SdkResult, { journal }: AttemptContext): boolean {
  const { interruptions, state } = result;
  const decisions = interruptions.map((item) => ({ item, step: journal.find(approvalKey(callIdOf(item.rawItem))) }));
  if (decisions.length === 0 || decisions.some(({ step }) => step === undefined)) return false;
  for (const { item, step } of decisions) {
    const { decision, reason } = (step as Step).output as { decision: string; reason?: string };
    journal.replayed(step as Step, false);
    if (decision === 'approve') state.approve(item);
    else state.reject(item, reason === undefined ? undefined : { message: reason });
  }
  return true;
}

/**
 * The runner of all runs, with or without the SDK's traces: a runner with traces makes them even if no exporter records
 * them. Its events belong to the run in whose scope they are emitted. A runner per run, with listeners that refer to the
 * run, would keep that run until a full garbage collection, by what the SDK notes of a runner in a `WeakMap`.
 */
function createRunner({ modelProvider }: RunDefaults, agents: AgentRegistry, traces: boolean): Runner {
  const runner = new Runner({ modelProvider, tracingDisabled: !traces });
  const currentAttempt = () => (runScope.getStore() as RunScope).attempt;
  // Agents used as tools are not journaled as a whole; their steps are. Their calls are reported all the same.
  runner.on('agent_tool_start', (_context, agent, tool, { toolCall }) => {
    if (tool.type === 'function' && !isJournaledTool(tool))
      currentAttempt().agentToolStarted(agents.nameOf(agent), toolCall as ToolCall);
  });
  runner.on('agent_tool_end', (_context, _agent, tool, output, { toolCall }) => {
    if (tool.type === 'function' && !isJournaledTool(tool))
      currentAttempt().agentToolEnded(toolCall as ToolCall, String(output));
  });
  runner.on('agent_handoff', (_context, from, to) => {
    currentAttempt().handedOff(agents.nameOf(from), agents.nameOf(to));
  });
  return runner;
}
