import {
  getGlobalTraceProvider,
  OPENAI_DEFAULT_MODEL_ENV_VARIABLE_NAME,
  setSensitiveDataLoggingEnabled,
  setTraceProcessors,
  setTracingDisabled,
} from '@openai/agents';

/**
 * Turns off the tracing that an import of the SDK turns on. It would send traces, prompts included, to OpenAI whatever
 * provider is in use, and log an error for each batch if there is no key. The handlers of the SDK for signals and
 * rejections become inactive as soon as the process has handlers of its own, which `src/process/exit.ts` installs.
 */
export function disableSdkDefaults(environment: Readonly<Record<string, string | undefined>>): void {
  setTracingDisabled(true);
  setTraceProcessors([]);
  // This is the default; the SDK would otherwise read it from the environment many times in each run.
  if (contentFlags.every((flag) => environment[flag] === undefined)) setSensitiveDataLoggingEnabled(false);
}

/**
 * Makes `model` the default of the SDK, too. A request for an agent that names no model is then the one that the SDK
 * itself would send: with the settings that belong to this model, and without a model if a stored prompt names it. The
 * SDK reads its default from the environment only.
 */
export function setSdkDefaultModel(environment: Record<string, string | undefined>, model: string): void {
  environment[OPENAI_DEFAULT_MODEL_ENV_VARIABLE_NAME] = model;
}

/** Set to 0, these variables add the content of conversations to the debug log of the SDK. */
const contentFlags = ['OPENAI_AGENTS_DONT_LOG_MODEL_DATA', 'OPENAI_AGENTS_DONT_LOG_TOOL_DATA'];

/** Whether the application has turned the traces of the SDK on again, so that they are recorded. */
export const isTraced = (): boolean => getGlobalTraceProvider().createTrace({}).traceId !== noTraceId;

/** The id of traces and spans that the SDK does not record. */
const noTraceId = 'no-op';
