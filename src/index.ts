/**
 * The public API of agent-service.
 *
 * @packageDocumentation
 */
import { type RunningService, runProcess } from './main.ts';
import type { ServeOptions } from './process/serve-options.ts';

export type {
  ContextBuilder,
  ContextOption,
  RunFacts,
  StepOptions,
  Workflow,
  WorkflowContext,
  WorkflowOptions,
} from './agents/index.ts';
export { effect, RegistrationError, workflow } from './agents/index.ts';
export { type ErrorCode, ServiceError } from './platform/errors.ts';
export { type SettingMistake, SettingsError } from './platform/settings/settings.ts';
export { type ProviderOption, ProvidersError } from './providers/index.ts';
export { type CurrentCall, currentCall, type RunnerOptions } from './runs/index.ts';
export type { RunningService, ServeOptions };

/**
 * Serves agents over HTTP until a signal stops the process. A program needs no other call.
 *
 * ```ts
 * import { serve } from 'agent-service';
 * import { triage } from './agents.ts';
 *
 * await serve({ agents: { triage } });
 * ```
 *
 * Environment variables or files such as `.env` configure it (see `docs/settings.md`). It installs handlers for signals and
 * uncaught errors. Mistakes in the settings or the options, and any other failure of the start, are printed and end the
 * process with exit code 1.
 *
 * @returns when the service accepts requests
 */
export const serve = (options: ServeOptions): Promise<RunningService> => runProcess(options);
