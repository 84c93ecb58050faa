import type { Logger } from '../../platform/logger.ts';
import { type Run, toInputText } from '../../storage/port/index.ts';
import type { Execution } from './execution-outcome.ts';

/** The most characters of a message or a response that are logged. */
const contentCharsMax = 2_000;
const truncated = (text: string | null) =>
  text !== null && text.length > contentCharsMax ? `${text.slice(0, contentCharsMax)}…` : text;

/** What the line about the end of a run has besides. */
export type RunEndLogOptions = {
  /** The message and the response. */
  withContent: boolean;
  /** The operation that the store refused. Defaults to none. */
  operation?: string | undefined;
};

/** Writes the one line that the end of a run leaves in the log. */
export function logRunEnd(
  log: Logger,
  run: Run,
  execution: Execution,
  { withContent, operation }: RunEndLogOptions,
): void {
  const fields = {
    runId: run.id,
    sessionId: run.sessionId,
    requestId: run.requestId,
    agent: run.agent,
    lastAgent: run.lastAgent,
    status: run.status,
    code: run.error?.code,
    tokens: run.usage.totalTokens,
    durationMs: (run.finishedAtMs ?? run.startedAtMs ?? run.createdAtMs) - run.createdAtMs,
    attempt: run.attempt,
    simulated: run.simulated || undefined,
    operation,
    ...(withContent ? { message: truncated(toInputText(run.input)), response: truncated(run.response) } : {}),
  };
  if (execution.type === 'ended' && run.status === 'failed')
    log.error({ ...fields, err: execution.cause }, 'run ended');
  else log.info(fields, run.status === 'requires_action' ? 'run paused' : 'run ended');
}
