import {
  getGlobalTraceProvider,
  setSensitiveDataLoggingEnabled,
  setTraceProcessors,
  setTracingDisabled,
} from '@openai/agents';

/**
 * Takes back what importing the SDK does to a process: it sends traces, prompts included, to OpenAI whatever provider
 * is in use, and logs an error a batch where there is no key. Its handlers for signals and rejections stand aside as
 * soon as the process has handlers of its own, which `src/main.ts` installs.
 */
export function disableSdkDefaults(environment: Readonly<Record<string, string | undefined>>): void {
  setTracingDisabled(true);
  setTraceProcessors([]);
  // That is the default, which it would look up in the environment again and again in each run.
  if (contentFlags.every((flag) => environment[flag] === undefined)) setSensitiveDataLoggingEnabled(false);
}

/** With these set to 0 the SDK's debug log has what was said. */
const contentFlags = ['OPENAI_AGENTS_DONT_LOG_MODEL_DATA', 'OPENAI_AGENTS_DONT_LOG_TOOL_DATA'];

/** Whether the application has turned the SDK's traces on again, and they are recorded. */
export const isTraced = (): boolean => getGlobalTraceProvider().createTrace({}).traceId !== noTraceId;

/** The id of traces and spans that the SDK does not record. */
const noTraceId = 'no-op';
