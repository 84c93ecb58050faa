import type { MCPServer, SessionInputCallback } from '@openai/agents';
import {
  type AnyAgent,
  assertKnownNames,
  type ContextBuilder,
  type ContextOption,
  type ModelsOption,
  RegistrationError,
  type Workflow,
} from '../agents/index.ts';
import type { ProviderOption } from '../providers/index.ts';
import {
  assertRunnerOptions,
  continuations,
  type InputOption,
  isRunnerOption,
  type RunnerOptions,
  type SessionsOption,
} from '../runs/index.ts';

/** The options of `serve()`. */
export type ServeOptions = {
  /** The agents and workflows that callers can run, by name. */
  agents: Record<string, AnyAgent | Workflow>;
  /** The name of the agent for requests that name none. Defaults to the first of `agents`. */
  entry?: string;
  /**
   * Builds the SDK's run context from stored facts; must return a plain record. What agents write to it is part of the
   * run: see `docs/durability.md`. `{ build, keep: 'session' }` hands it on to the next run of the session. Defaults to an
   * empty one for each run.
   */
  context?: ContextOption;
  /**
   * Chooses the items of a session that are sent to the model. It gets the history (the last whole turns of it, if
   * `SESSION_MAX_ITEMS` is set) and the items of the new input, and returns the items to send, such as
   * `[...history.slice(-4), ...newItems]`. The stored session stays complete. It must return the same items when a run is
   * executed again. Defaults to all items.
   */
  sessionInput?: SessionInputCallback;
  /**
   * What inputs of runs may have beyond text, pictures, files and sounds that they bring along. See `docs/input.md`.
   * Defaults to no further roles, no ids of files, and URLs where every provider is OpenAI itself.
   */
  input?: InputOption;
  /** Called before requests are accepted, which wait for its promise. For example, open connection pools here. */
  onStart?: () => unknown;
  /**
   * Called after the last run has ended; the process waits for its promise before it exits. For example, close here what
   * `onStart` has opened. It is also called when `onStart` or a later part of the start fails.
   */
  onStop?: () => unknown;
  /**
   * MCP servers. They are connected before requests are accepted, and closed after the last run. The MCP servers of the
   * agents, and of the agents behind their handoffs and tools, are connected too, and need not be listed. A server that is
   * connected already is not connected again.
   */
  mcpServers?: MCPServer[];
  /**
   * Model providers in addition to those of the environment, in the order of failover. See `docs/providers.md`. Defaults
   * to none.
   */
  providers?: ProviderOption[];
  /**
   * What the SDK's `Runner` and `run()` take: guardrails of all runs, model settings, filters, error handlers, listeners
   * and more. See `docs/run-options.md`. Defaults to nothing.
   */
  runner?: RunnerOptions;
  /**
   * The models that requests may choose (`model`), by the name of the agent: `{ triage: ['gpt-4.1', 'gpt-4.1-mini'] }`.
   * Defaults to none: `model` is refused.
   */
  models?: ModelsOption;
  /** How sessions go on: with the entry agent, or with the agent that spoke last. Defaults to the entry agent. */
  sessions?: SessionsOption;
};

/** The names of all options; the compiler holds that none is missing. */
const optionNames = Object.keys({
  agents: true,
  entry: true,
  context: true,
  sessionInput: true,
  input: true,
  onStart: true,
  onStop: true,
  mcpServers: true,
  providers: true,
  runner: true,
  models: true,
  sessions: true,
} satisfies Record<keyof ServeOptions, true>);

function assertSessionsOption(sessions: SessionsOption): void {
  assertKnownNames('sessions', 'option', sessions, ['continueWith']);
  const { continueWith } = sessions;
  if (continueWith === undefined || continuations.includes(continueWith)) return;
  const values = continuations.map((each) => `'${each}'`).join(' or ');
  throw new RegistrationError(`sessions.continueWith must be ${values}.`);
}

/**
 * Refuses options that `serve()` does not have, which it would ignore, and options of the runner, of sessions and of
 * inputs that are not taken.
 *
 * @throws {RegistrationError} that names the first of them, and what to write instead
 */
export function assertKnownOptions(options: ServeOptions): void {
  if (typeof options !== 'object' || options === null)
    throw new RegistrationError('serve() needs at least one agent: serve({ agents: { name: agent } }).');
  const ofRunner = Object.keys(options).find((name) => !optionNames.includes(name) && isRunnerOption(name));
  if (ofRunner !== undefined) {
    const remedy = `It is an option of the runner: serve({ runner: { ${ofRunner} } }).`;
    throw new RegistrationError(`serve() has no option "${ofRunner}". ${remedy}`);
  }
  assertKnownNames('serve()', 'option', options, optionNames);
  if (options?.input !== undefined) assertInputOption(options.input);
  const { context } = options ?? {};
  if (typeof context === 'object') {
    assertKnownNames('The context option of serve()', 'option', context, contextNames);
  }
  if (options?.runner !== undefined) assertRunnerOptions(options.runner);
  if (options?.sessions !== undefined) assertSessionsOption(options.sessions);
}

type ContextNames = keyof Exclude<ContextOption, ContextBuilder>;
const contextNames = Object.keys({ build: true, keep: true } satisfies Record<ContextNames, true>);
const inputNames = Object.keys({ roles: true, fileIds: true, urls: true } satisfies Record<keyof InputOption, true>);
const inputRoles = ['system', 'developer'];

function assertInputOption(input: InputOption): void {
  const where = 'The input option of serve()';
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    throw new RegistrationError(`${where} has to be an object.`);
  assertKnownNames(where, 'option', input, inputNames);
  const { roles = [], fileIds = false, urls = false } = input;
  if (!Array.isArray(roles) || !roles.every((role) => inputRoles.includes(role))) {
    throw new RegistrationError(`${where}: roles has to be a list of ${inputRoles.join(' and ')}.`);
  }
  if (typeof fileIds !== 'boolean' || typeof urls !== 'boolean') {
    throw new RegistrationError(`${where}: fileIds and urls have to be true or false.`);
  }
}
