import type { SessionInputCallback } from '@openai/agents';
import { ServiceError } from '../../platform/errors.ts';
import { giveWay } from '../../platform/slices.ts';
import { isHeavy } from '../../platform/weight.ts';
import type { JsonRecord } from '../../storage/port/index.ts';
import { createRunSession, type RunSession } from '../conversation/run-session.ts';
import { withAbortGrace } from './abort-grace.ts';
import type { AttemptContext } from './attempt-context.ts';
import { createExecutionOutcomes, type Execution, type ExecutionOutcomesDeps } from './execution-outcome.ts';
import { createSdkRun, type SdkRunDeps } from './sdk-run.ts';
import { createWorkflowRun } from './workflow-run.ts';

/** Dependencies of the executor. */
export type ExecutorDeps = SdkRunDeps &
  ExecutionOutcomesDeps & {
    /** Chooses what of a session is sent to models. Defaults to all of it. */
    sessionInput?: SessionInputCallback;
  };

/**
 * Executes runs: has the SDK, or a workflow's code, carry a run out within its scope, and determines how it ended. It stores nothing but the
 * journal.
 */
export function createExecutor(deps: ExecutorDeps) {
  const { agents, sessionInput, clock } = deps;
  const sdkRun = createSdkRun(deps);
  const workflowRun = createWorkflowRun(deps);
  const outcomes = createExecutionOutcomes(deps);

  /** Begins a run. Resolves with what determines its outcome. */
  async function begin(
    attempt: AttemptContext,
    session: RunSession | null,
    history: readonly JsonRecord[],
  ): Promise<() => Execution> {
    const { agent: name } = attempt.run;
    const workflow = agents.workflow(name);
    if (workflow) {
      const answer = await workflowRun(attempt, workflow, history);
      return () => outcomes.ofAnswer(answer, attempt);
    }
    const agent = agents.get(name);
    if (!agent) throw new ServiceError('agent_gone', { agent: name });
    const result = await sdkRun(attempt, agent, session);
    return () => outcomes.ofResult(result, attempt, session);
  }

  return {
    async execute(attempt: AttemptContext, history: readonly JsonRecord[]): Promise<Execution> {
      const { run, signal } = attempt;
      const { sessionId, input } = run;
      const session = sessionId === null ? null : createRunSession({ sessionId, history, input }, sessionInput);
      attempt.journal.strings.addConversation(run, history);
      if (isHeavy(history)) await giveWay();
      try {
        signal.throwIfAborted();
        const running = Promise.race([begin(attempt, session, history), attempt.interrupted]);
        const outcome = await withAbortGrace(running, signal, clock);
        signal.throwIfAborted();
        attempt.journal.recordRest();
        return outcome();
      } catch (error) {
        attempt.failed(error);
        return outcomes.ofError(error, attempt, session);
      } finally {
        attempt.close();
      }
    },
  };
}

/** Executes runs. */
export type Executor = ReturnType<typeof createExecutor>;
