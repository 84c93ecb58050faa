import type { MCPServer, SessionInputCallback } from '@openai/agents';
import { type AnyAgent, type ContextBuilder, RegistrationError } from '../agents/index.ts';
import { nearestName } from '../platform/nearest-name.ts';
import type { ProviderOption } from '../providers/index.ts';

/** The options of `serve()`. */
export type ServeOptions = {
  /** The agents that callers can run, by name. */
  agents: Record<string, AnyAgent>;
  /** The name of the agent for requests that name none. Defaults to the first of `agents`. */
  entry?: string;
  /** Builds the SDK's run context from stored facts; must return a plain record. Defaults to an empty one. */
  context?: ContextBuilder;
  /**
   * Chooses the items of a session that are sent to the model. It gets the history (the last whole turns of it, if
   * `SESSION_MAX_ITEMS` is set) and the items of the new input, and returns the items to send, such as
   * `[...history.slice(-4), ...newItems]`. The stored session stays complete. It must return the same items when a run is
   * executed again. Defaults to all items.
   */
  sessionInput?: SessionInputCallback;
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
};

/** The names of all options; the compiler holds that none is missing. */
const optionNames = Object.keys({
  agents: true,
  entry: true,
  context: true,
  sessionInput: true,
  onStart: true,
  onStop: true,
  mcpServers: true,
  providers: true,
} satisfies Record<keyof ServeOptions, true>);

/**
 * Refuses options that `serve()` does not have, which it would ignore.
 *
 * @throws {RegistrationError} that names the first of them, and the option that it is a misspelling of or all options
 */
export function assertKnownOptions(options: ServeOptions): void {
  for (const name of Object.keys(options ?? {})) {
    if (optionNames.includes(name)) continue;
    const intended = nearestName(name, optionNames);
    const remedy =
      intended === undefined ? `Remove it; the options are ${optionNames.join(', ')}.` : `Did you mean "${intended}"?`;
    throw new RegistrationError(`serve() has no option "${name}". ${remedy}`);
  }
}
