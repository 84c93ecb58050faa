/**
 * The public API of agent-service.
 *
 * @packageDocumentation
 */
import { type RunningService, runProcess } from './main.ts';
import type { ServeOptions } from './process/serve-options.ts';

export type { ContextBuilder, RunFacts } from './agents/index.ts';
export { effect, RegistrationError } from './agents/index.ts';
export { type ErrorCode, ServiceError } from './platform/errors.ts';
export { type SettingMistake, SettingsError } from './platform/settings/settings.ts';
export { type ProviderOption, ProvidersError } from './providers/index.ts';
export { type CurrentCall, currentCall } from './runs/index.ts';
export type { RunningService, ServeOptions };

/**
 * Serves agents over HTTP until the process is told to stop: this is the whole program.
 *
 * ```ts
 * import { serve } from 'agent-service';
 * import { triage } from './agents.ts';
 *
 * await serve({ agents: { triage } });
 * ```
 *
 * It is configured by environment variables or a `.env` file (see `docs/settings.md`), installs the handlers for
 * signals and stray errors, and owns the process: mistakes in the settings or the options are printed and end it with
 * exit code 1, as does a start that fails.
 *
 * @returns once requests are accepted
 */
export const serve = (options: ServeOptions): Promise<RunningService> => runProcess(options);
