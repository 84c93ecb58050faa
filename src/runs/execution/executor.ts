import type { SessionInputCallback } from '@openai/agents';
import { ServiceError } from '../../platform/errors.ts';
import type { JsonRecord } from '../../storage/port/index.ts';
import { createRunSession } from '../conversation/run-session.ts';
import { withAbortGrace } from './abort-grace.ts';
import type { AttemptContext } from './attempt-context.ts';
import { createExecutionOutcomes, type Execution, type ExecutionOutcomesDeps } from './execution-outcome.ts';
import { createSdkRun, type SdkRunDeps } from './sdk-run.ts';

/** Dependencies of the executor. */
export type ExecutorDeps = SdkRunDeps &
  ExecutionOutcomesDeps & {
    /** Chooses what of a session is sent to models. Defaults to all of it. */
    sessionInput?: SessionInputCallback;
  };

/**
 * Executes runs: has the SDK carry a run out within its scope, and determines how it ended. It stores nothing but the
 * journal.
 */
export function createExecutor(deps: ExecutorDeps) {
  const { agents, sessionInput, clock } = deps;
  const sdkRun = createSdkRun(deps);
  const outcomes = createExecutionOutcomes(deps);

  return {
    async execute(attempt: AttemptContext, history: readonly JsonRecord[]): Promise<Execution> {
      const { run, signal } = attempt;
      const { sessionId, input } = run;
      const session = sessionId === null ? null : createRunSession({ sessionId, history, input }, sessionInput);
      const agent = agents.get(run.agent);
      attempt.journal.strings.addConversation(run, history);
      try {
        if (!agent) throw new ServiceError('agent_gone', { agent: run.agent });
        signal.throwIfAborted();
        const running = Promise.race([sdkRun(attempt, agent, session), attempt.interrupted]);
        const result = await withAbortGrace(running, signal, clock);
        signal.throwIfAborted();
        attempt.journal.recordRest();
        return outcomes.ofResult(result, attempt, session);
      } catch (error) {
        return outcomes.ofError(error, attempt, session);
      } finally {
        attempt.close();
      }
    },
  };
}

/** Executes runs. */
export type Executor = ReturnType<typeof createExecutor>;
