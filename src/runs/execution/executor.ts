import {
  type AgentInputItem,
  Runner,
  type RunResult,
  type SessionInputCallback,
  type StreamedRunResult,
} from '@openai/agents';
import type { AgentRegistry, AnyAgent, ContextBuilder } from '../../agents/index.ts';
import { buildContext } from '../../agents/index.ts';
import type { Clock } from '../../platform/clock.ts';
import { ServiceError } from '../../platform/errors.ts';
import { isTraced } from '../../platform/sdk-defaults.ts';
import {
  type FinalRun,
  type Json,
  type JsonRecord,
  type PausedRun,
  type Step,
  unfinishedTurnItems,
} from '../../storage/port/index.ts';
import { approvalKey } from '../approvals/decisions.ts';
import { askApproval, askOutcome, callIdOf, waitFrom } from '../approvals/required-action.ts';
import { createRunSession } from '../conversation/run-session.ts';
import { classifyFailure, type Failure, RunStopped, stopped } from '../run-failure.ts';
import type { RequiredAction } from '../views/schemas.ts';
import type { AttemptContext } from './attempt-context.ts';
import { isJournaledTool } from './journaled-tool.ts';
import { type RunDefaults, type RunScope, rootScope, runScope } from './run-scope.ts';

/** How long code that was told to stop has to do so before its run is recorded without it. */
const abortSettleMs = 500;

// biome-ignore lint/suspicious/noExplicitAny: results are of whatever output type the user's agent has
type AnyResult = RunResult<any, any> | StreamedRunResult<any, any>;

/** What executing takes beside the run itself. */
export type ExecutorDeps = {
  agents: AgentRegistry;
  context: ContextBuilder | undefined;
  /** Chooses what of a session is sent. Defaults to all of it. */
  sessionInput?: SessionInputCallback;
  defaults: RunDefaults;
  turnsMax: number;
  /** How long a run waits for a person, in ms. */
  approvalExpiryMs: number;
  clock: Clock;
};

type Ending = Omit<FinalRun, 'entries'>;
type Pausing = Omit<PausedRun, 'entries'>;

/** How an execution ended: for good, or until a person has decided. `cause` is for the log only. */
export type Execution =
  | { type: 'ended'; final: Ending; retryAfterMs?: number; cause?: unknown }
  | { type: 'paused'; paused: Pausing };

/** Executes runs: hands them to the SDK, watches them, and says how they ended. It stores nothing but the journal. */
export function createExecutor(deps: ExecutorDeps) {
  const { agents, context, sessionInput, defaults, turnsMax, approvalExpiryMs, clock } = deps;
  const traced = createRunner(defaults, agents, true);
  const untraced = createRunner(defaults, agents, false);

  async function callSdk(activity: AttemptContext, agent: AnyAgent, session: RunSession | null): Promise<AnyResult> {
    const { run, signal } = activity;
    const runContext = await buildContext(context, {
      runId: run.id,
      tenant: run.tenantId,
      sessionId: run.sessionId,
      metadata: run.metadata,
    });
    const { session: conversation, sessionInputCallback } = session ?? {};
    const options = { session: conversation, sessionInputCallback, context: runContext, maxTurns: turnsMax, signal };
    const runner = isTraced() ? traced : untraced;
    const streamed = async (input: AgentInputItem[] | AnyResult['state']): Promise<AnyResult> => {
      const result = await runner.run(agent, input, { ...options, stream: true });
      // What viewers see comes from the models and the tools; the SDK's own queue of events has no bound unless read.
      for await (const _ of result);
      await result.completed;
      return result;
    };
    const start = (input: AgentInputItem[] | AnyResult['state']): Promise<AnyResult> =>
      run.mode === 'stream' ? streamed(input) : runner.run(agent, input, options);
    const scope = rootScope(activity, defaults);
    return runScope.run(scope, async () => {
      let result = await start([{ type: 'message', role: 'user', content: run.message }]);
      while (decide(result, activity)) {
        scope.begun = false; // the run goes on, it is no child of itself
        result = await start(result.state);
      }
      return result;
    });
  }

  return {
    async execute(activity: AttemptContext, history: readonly JsonRecord[]): Promise<Execution> {
      const { run, signal } = activity;
      const { sessionId, message } = run;
      const session = sessionId === null ? null : createRunSession({ sessionId, history, message }, sessionInput);
      const agent = agents.get(run.agent);
      try {
        if (!agent) throw new ServiceError('agent_gone', { agent: run.agent });
        signal.throwIfAborted();
        const result = await unlessStopped(callSdk(activity, agent, session), signal, clock);
        signal.throwIfAborted();
        return succeeded(result, activity, session);
      } catch (error) {
        const unknown = activity.journal.unknownCalls();
        if (unknown.length > 0 && !signal.aborted) {
          return paused(activity, askOutcome(unknown, waitFrom(clock, approvalExpiryMs)), null);
        }
        const reason = signal.reason instanceof RunStopped ? signal.reason : error;
        const failure = reason instanceof RunStopped ? stopped(reason.reason) : classify(error, activity);
        if (failure.error.code === 'guardrail_tripped' && activity.lastTextStep() > 0) {
          activity.resetText(activity.lastTextStep(), 'guardrail');
        }
        return failed(failure, error, activity);
      } finally {
        activity.close();
      }
    },
  };

  function classify(error: unknown, activity: AttemptContext): Failure {
    return classifyFailure(error, {
      fromModel: activity.fromModel,
      replayed: activity.isReplaying(),
      maxTurns: turnsMax,
      nowMs: clock.nowMs(),
    });
  }

  function known(activity: AttemptContext, ended: boolean) {
    const { journal } = activity;
    return {
      usage: journal.usage(),
      model: journal.lastModel(),
      costUsd: journal.costUsd(),
      drift: journal.drifted(ended),
      firstTokenMs: activity.firstTokenMs(),
    };
  }

  function succeeded(result: AnyResult, activity: AttemptContext, session: RunSession | null): Execution {
    const lastAgent = result.lastAgent ? agents.nameOf(result.lastAgent) : null;
    if (result.interruptions.length > 0) {
      const asked = askApproval(
        result.interruptions,
        agents,
        activity.effectDefault,
        waitFrom(clock, approvalExpiryMs),
      );
      return paused(activity, asked, lastAgent);
    }
    const output: unknown = result.finalOutput;
    const structured = typeof output !== 'string' && output !== undefined;
    const final: Ending = {
      ...known(activity, true),
      lastAgent,
      status: 'completed',
      response: structured ? JSON.stringify(output) : ((output as string | undefined) ?? ''),
      output: structured ? (JSON.parse(JSON.stringify(output)) as Json) : null,
      error: null,
      newItems: session?.added() ?? [],
    };
    return { type: 'ended', final };
  }

  function paused(activity: AttemptContext, requiredAction: RequiredAction, lastAgent: string | null): Execution {
    const waits = { requiredAction: requiredAction as Json, expiresInMs: approvalExpiryMs };
    return { type: 'paused', paused: { ...known(activity, false), ...waits, lastAgent } };
  }

  function failed(failure: Failure, cause: unknown, activity: AttemptContext): Execution {
    const { run, journal } = activity;
    const final: Ending = {
      ...known(activity, false),
      status: failure.status,
      lastAgent: null,
      response: null,
      output: null,
      error: failure.error,
      newItems: run.sessionId === null ? [] : unfinishedTurnItems(run.message, journal.steps(), failure.error.code),
    };
    return { type: 'ended', retryAfterMs: failure.retryAfterMs, cause, final };
  }
}

/** Executes runs. */
export type Executor = ReturnType<typeof createExecutor>;

type RunSession = ReturnType<typeof createRunSession>;

/** Applies what people decided to the calls that wait for it; false if something is left to be decided, or nothing was. */
function decide(result: AnyResult, { journal }: AttemptContext): boolean {
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
 * The runner of all runs, with or without the SDK's traces: one with them makes them even where nobody records any. What
 * it tells belongs to the run in whose scope it does: one for each run, with listeners that know it, would keep that run
 * until a full garbage collection, by what the SDK notes of it in a `WeakMap`.
 */
function createRunner({ modelProvider, model }: RunDefaults, agents: AgentRegistry, traces: boolean): Runner {
  const runner = new Runner({ modelProvider, model, tracingDisabled: !traces });
  const inRun = () => (runScope.getStore() as RunScope).activity;
  // Agents used as tools are not journaled as a whole; what they do is. Their calls are told all the same.
  runner.on('agent_tool_start', (_context, agent, tool, { toolCall }) => {
    if (tool.type === 'function' && !isJournaledTool(tool))
      inRun().agentCalled(agents.nameOf(agent), toolCall as ToolCall);
  });
  runner.on('agent_tool_end', (_context, _agent, tool, output, { toolCall }) => {
    if (tool.type === 'function' && !isJournaledTool(tool)) inRun().agentAnswered(toolCall as ToolCall, String(output));
  });
  runner.on('agent_handoff', (_context, from, to) => inRun().handedOff(agents.nameOf(from), agents.nameOf(to)));
  return runner;
}

type ToolCall = Parameters<AttemptContext['agentCalled']>[1];

/**
 * What `working` comes to; rejects with the reason of `signal` once that has aborted and `working` has had a moment to
 * stop by itself. Tools may ignore their signal; the run's caller does not wait for them.
 */
function unlessStopped<T>(working: Promise<T>, signal: AbortSignal, clock: Clock): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = () => void clock.sleep(abortSettleMs).then(() => reject(signal.reason));
    const forget = () => signal.removeEventListener('abort', giveUp);
    signal.addEventListener('abort', giveUp, { once: true });
    working.then(
      (result) => {
        forget();
        resolve(result);
      },
      (error: unknown) => {
        forget();
        reject(error);
      },
    );
  });
}
