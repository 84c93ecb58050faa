import type { AgentRegistry } from '../../agents/index.ts';
import type { Clock } from '../../platform/clock.ts';
import {
  type FinalRun,
  type Json,
  type JsonRecord,
  type PausedRun,
  unfinishedTurnItems,
} from '../../storage/port/index.ts';
import { askApproval, askOutcome, waitFrom } from '../approvals/required-action.ts';
import type { RunSession } from '../conversation/run-session.ts';
import { classifyFailure, type Failure, RunStopped, stopped } from '../run-failure.ts';
import { optionsOf } from '../run-options.ts';
import type { RequiredAction } from '../views/schemas.ts';
import type { AttemptContext } from './attempt-context.ts';
import type { SdkResult } from './sdk-run.ts';
import { emitAnswer, itemsOfAnswer } from './workflow-answer.ts';
import { ApprovalsAwaited } from './workflow-work.ts';

type Ending = Omit<FinalRun, 'entries'>;
type Pausing = Omit<PausedRun, 'entries'>;

/** How an execution ended: for good, or until a person has decided. `cause` is for the log only. */
export type Execution =
  | { type: 'ended'; final: Ending; retryAfterMs?: number; cause?: unknown }
  | { type: 'paused'; paused: Pausing };

/** Dependencies of the outcomes of executions. */
export type ExecutionOutcomesDeps = {
  agents: AgentRegistry;
  turnsMax: number;
  /** How long a run waits for a person, in ms. */
  approvalExpiryMs: number;
  clock: Clock;
};

/** Turns what the SDK returned or threw into the outcome of an execution. */
export function createExecutionOutcomes({ agents, turnsMax, approvalExpiryMs, clock }: ExecutionOutcomesDeps) {
  function paused(attempt: AttemptContext, requiredAction: RequiredAction, lastAgent: string | null): Execution {
    const wait = { requiredAction: requiredAction as Json, expiresInMs: approvalExpiryMs };
    return { type: 'paused', paused: { ...totalsOf(attempt, false), ...wait, lastAgent } };
  }

  /** The reason of the stop for a run that was stopped; otherwise by the error. */
  function failureOf(error: unknown, attempt: AttemptContext): Failure {
    const { reason } = attempt.signal;
    if (reason instanceof RunStopped) return stopped(reason.reason);
    if (error instanceof RunStopped) return stopped(error.reason);
    return classifyFailure(error, {
      fromModel: (thrown) => attempt.isModelError(thrown),
      agent: attempt.agent(),
      replayed: attempt.isReplaying(),
      maxTurns: optionsOf(attempt.run).max_turns ?? turnsMax,
      nowMs: clock.nowMs(),
    });
  }

  return {
    /** The SDK has returned a result: the run completed, or waits for approvals. */
    ofResult(result: SdkResult, attempt: AttemptContext, session: RunSession | null): Execution {
      const lastAgent = result.lastAgent ? agents.nameOf(result.lastAgent) : null;
      if (result.interruptions.length === 0) return completed(result.finalOutput, lastAgent, attempt, session);
      const wait = waitFrom(clock, approvalExpiryMs);
      return paused(attempt, askApproval(result.interruptions, agents, attempt.effectDefault, wait), lastAgent);
    },

    /** A workflow has returned the answer of its run. */
    ofAnswer(answer: unknown, attempt: AttemptContext): Execution {
      const { agent, sessionId, input } = attempt.run;
      emitAnswer(attempt, answer);
      const added = () => (sessionId === null ? [] : itemsOfAnswer(input, answer));
      return completed(answer, agent, attempt, { added });
    },

    /** The execution has thrown: the run failed, was stopped, or waits for a person. */
    ofError(error: unknown, attempt: AttemptContext, session: RunSession | null): Execution {
      const unknown = attempt.journal.unknownCalls();
      if (unknown.length > 0 && !attempt.signal.aborted) {
        return paused(attempt, askOutcome(unknown, waitFrom(clock, approvalExpiryMs)), null);
      }
      if (error instanceof ApprovalsAwaited && !attempt.signal.aborted) {
        const wait = waitFrom(clock, approvalExpiryMs);
        const asked = askApproval(error.interruptions, agents, attempt.effectDefault, wait);
        return paused(attempt, asked, attempt.run.agent);
      }
      const failure = failureOf(error, attempt);
      if (failure.error.code === 'guardrail_tripped' && attempt.lastTextStep() > 0) {
        attempt.resetText(attempt.lastTextStep(), 'guardrail');
      }
      return failed(failure, error, attempt, session);
    },
  };
}

function totalsOf(attempt: AttemptContext, ended: boolean) {
  const { journal } = attempt;
  return {
    usage: journal.usage(),
    model: journal.lastModel(),
    costUsd: journal.costUsd(),
    drift: journal.drifted(ended),
    firstTokenMs: attempt.firstTokenMs(),
  };
}

const orNull = (list: readonly object[]): Json => (list.length === 0 ? null : (list as Json));

function completed(
  output: unknown,
  lastAgent: string | null,
  attempt: AttemptContext,
  session: Pick<RunSession, 'added'> | null,
): Execution {
  const { answerParts } = attempt;
  const isStructured = typeof output !== 'string' && output !== undefined;
  const response = isStructured ? JSON.stringify(output) : ((output as string | undefined) ?? '');
  const final: Ending = {
    ...totalsOf(attempt, true),
    lastAgent,
    status: 'completed',
    response,
    output: isStructured ? (JSON.parse(JSON.stringify(output)) as Json) : null,
    annotations: orNull(answerParts.annotationsOf(response)),
    files: orNull(answerParts.files()),
    error: null,
    newItems: session?.added() ?? [],
  };
  return { type: 'ended', final };
}

function failed(failure: Failure, cause: unknown, attempt: AttemptContext, session: RunSession | null): Execution {
  const { run, journal } = attempt;
  const { code } = failure.error;
  const final: Ending = {
    ...totalsOf(attempt, false),
    status: failure.status,
    lastAgent: null,
    response: null,
    output: null,
    annotations: null,
    files: orNull(attempt.answerParts.files()),
    error: failure.error,
    newItems: session === null ? [] : withhold(unfinishedTurnItems(run.input, journal.steps(), code), code, session),
  };
  return { type: 'ended', retryAfterMs: failure.retryAfterMs, cause, final };
}

/** What a guardrail refused stays out of the session: the SDK replaces the output of a tool that was to be the answer. */
function withhold(items: JsonRecord[], code: string, session: RunSession): JsonRecord[] {
  if (code !== 'guardrail_tripped') return items;
  const isResult = ({ type }: JsonRecord) => type === 'function_call_result';
  const kept = new Map(
    session
      .added()
      .filter(isResult)
      .map((item) => [item.callId, item.output]),
  );
  return items.map((item) =>
    isResult(item) ? { ...item, output: kept.get(item.callId) ?? (item.output as Json) } : item,
  );
}
