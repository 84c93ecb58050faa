import { type AgentInputItem, Runner, type RunResult, type StreamedRunResult } from '@openai/agents';
import type { AgentRegistry, AnyAgent, ContextBuilder } from '../agents/index.ts';
import { buildContext } from '../agents/index.ts';
import type { Clock } from '../platform/clock.ts';
import type { FinalRun, Json, JsonRecord, PausedRun, Run } from '../storage/port/index.ts';
import type { EventLog } from './event-log.ts';
import { classifyFailure, type Failure, RunStopped, stopped } from './failures.ts';
import { type Activity, createActivity, parseArguments, type ToolCall } from './run-recorder.ts';
import { createRunSession, remainsOf } from './run-session.ts';
import type { RequiredAction } from './schemas.ts';
import { type RunDefaults, rootScope, runScope } from './scope.ts';
import { toTime } from './view.ts';

/** How long code that was told to stop has to do so before its run is recorded without it. */
const abortSettleMs = 500;

// biome-ignore lint/suspicious/noExplicitAny: results are of whatever output type the user's agent has
type AnyResult = RunResult<any, any> | StreamedRunResult<any, any>;

/** What executing takes beside the run itself. */
export type ExecutorDeps = {
  agents: AgentRegistry;
  context: ContextBuilder | undefined;
  defaults: RunDefaults;
  turnsMax: number;
  clock: Clock;
};

/** How an execution ended: for good, or until a person has decided. `cause` is for the log only. */
export type Execution =
  | { type: 'ended'; final: FinalRun; retryAfterMs?: number; cause?: unknown }
  | { type: 'paused'; paused: PausedRun };

/** A run to execute. */
export type ExecuteRequest = {
  run: Run;
  history: readonly JsonRecord[];
  events: EventLog;
  /** Ends the run early; its reason is a `RunStopped`. */
  signal: AbortSignal;
};

/** Executes runs: hands them to the SDK, watches them, and says how they ended. It stores nothing. */
export function createExecutor({ agents, context, defaults, turnsMax, clock }: ExecutorDeps) {
  async function callSdk(request: ExecuteRequest, activity: Activity, agent: AnyAgent, session: RunSession) {
    const { run, signal } = request;
    const runContext = await buildContext(context, {
      runId: run.id,
      tenant: run.tenantId,
      sessionId: run.sessionId,
      metadata: run.metadata,
    });
    const runner = createRunner(defaults, activity);
    const options = { session: session.session, context: runContext, maxTurns: turnsMax, signal };
    const input: AgentInputItem[] = [{ type: 'message', role: 'user', content: run.message }];
    return runScope.run(rootScope(activity.recorder, defaults), async (): Promise<AnyResult> => {
      if (run.mode !== 'stream') return runner.run(agent, input, options);
      const result = await runner.run(agent, input, { ...options, stream: true });
      // What viewers see comes from the model and the hooks; the SDK's own queue of events has no bound unless read.
      for await (const _ of result);
      await result.completed;
      return result;
    });
  }

  return {
    async execute(request: ExecuteRequest): Promise<Execution> {
      const { run, events, signal, history } = request;
      const activity = createActivity(events, clock, clock.monotonicMs());
      const session = createRunSession(run.sessionId ?? run.id, history);
      const agent = agents.get(run.agent);
      try {
        if (!agent) throw new Error(`There is no agent "${run.agent}".`);
        signal.throwIfAborted();
        const working = callSdk(request, activity, agent, session);
        const result = await Promise.race([working, stopSignalled(signal, clock, working)]);
        signal.throwIfAborted();
        return succeeded(result, activity, session, agents, clock);
      } catch (error) {
        const failure = signal.reason instanceof RunStopped ? stopped(signal.reason.reason) : classify(error, activity);
        if (failure.error.code === 'guardrail_tripped') activity.resetText('guardrail');
        return failed(failure, error, run, activity);
      } finally {
        activity.close();
      }
    },
  };

  function classify(error: unknown, activity: Activity): Failure {
    return classifyFailure(error, { fromModel: activity.fromModel, maxTurns: turnsMax, nowMs: clock.nowMs() });
  }
}

/** Executes runs. */
export type Executor = ReturnType<typeof createExecutor>;

type RunSession = ReturnType<typeof createRunSession>;

function createRunner(defaults: RunDefaults, activity: Activity): Runner {
  const runner = new Runner({ modelProvider: defaults.modelProvider, model: defaults.model });
  runner.on('agent_tool_start', (_context, _agent, _tool, { toolCall }) => activity.toolStarted(toolCall as ToolCall));
  runner.on('agent_tool_end', (_context, _agent, _tool, output, { toolCall }) =>
    activity.toolCompleted(toolCall as ToolCall, String(output)),
  );
  runner.on('agent_handoff', (_context, from, to) => activity.handedOff(from.name, to.name));
  return runner;
}

/**
 * Rejects with the reason of `signal` once it has aborted and `working` has had a moment to stop by itself. Tools may
 * ignore their signal; the run's caller does not wait for them.
 */
function stopSignalled(signal: AbortSignal, clock: Clock, working: Promise<unknown>): Promise<never> {
  return new Promise((_, reject) => {
    const giveUp = () => void clock.sleep(abortSettleMs).then(() => reject(signal.reason));
    signal.addEventListener('abort', giveUp, { once: true });
    const forget = () => signal.removeEventListener('abort', giveUp);
    working.then(forget, forget);
  });
}

function succeeded(
  result: AnyResult,
  activity: Activity,
  session: RunSession,
  agents: AgentRegistry,
  clock: Clock,
): Execution {
  const { usage, model, firstTokenMs } = activity.summary();
  const lastAgent = result.lastAgent ? agents.nameOf(result.lastAgent) : null;
  const known = { usage, model, firstTokenMs, lastAgent, costUsd: null };
  if (result.interruptions.length > 0) {
    return { type: 'paused', paused: { ...known, requiredAction: toRequiredAction(result, agents, clock) as Json } };
  }
  const output: unknown = result.finalOutput;
  const structured = typeof output !== 'string' && output !== undefined;
  const final: FinalRun = {
    ...known,
    status: 'completed',
    response: structured ? JSON.stringify(output) : ((output as string | undefined) ?? ''),
    output: structured ? (JSON.parse(JSON.stringify(output)) as Json) : null,
    error: null,
    newItems: session.added(),
  };
  return { type: 'ended', final };
}

function toRequiredAction(result: AnyResult, agents: AgentRegistry, clock: Clock): RequiredAction {
  const requestedAt = toTime(clock.nowMs());
  return {
    type: 'approval',
    items: result.interruptions.map(({ rawItem, name, arguments: args, agent }) => ({
      call_id: 'callId' in rawItem ? String(rawItem.callId) : String(rawItem.id),
      tool: name ?? '',
      arguments: parseArguments(args ?? '{}'),
      agent: agents.nameOf(agent),
      effect: 'idempotent',
      requested_at: requestedAt,
      expires_at: null,
    })),
  };
}

function failed(failure: Failure, cause: unknown, run: Run, activity: Activity): Execution {
  const { usage, model, firstTokenMs, completedCalls } = activity.summary();
  return {
    type: 'ended',
    retryAfterMs: failure.retryAfterMs,
    cause,
    final: {
      status: failure.status,
      lastAgent: null,
      model,
      response: null,
      output: null,
      usage,
      costUsd: null,
      error: failure.error,
      firstTokenMs,
      newItems: remainsOf(run.message, completedCalls, failure.error.code),
    },
  };
}
