import type { MCPServer, SessionInputCallback } from '@openai/agents';
import type { AnyAgent, ContextBuilder } from '../agents/index.ts';
import type { ProviderOption } from '../providers/index.ts';

/** What `serve()` takes. */
export type ServeOptions = {
  /** The agents on offer, by the names that callers use. */
  agents: Record<string, AnyAgent>;
  /** The agent that answers when the caller names none. Defaults to the first of `agents`. */
  entry?: string;
  /** Builds the SDK's run context from stored facts; must return a plain record. Defaults to an empty one. */
  context?: ContextBuilder;
  /**
   * Chooses what of a session a model is sent: given the history (the last whole turns of it, if `SESSION_MAX_ITEMS` is
   * set) and what the user says now, it returns the items to send, such as `[...history.slice(-4), ...newItems]`. What is
   * stored stays whole. It must choose the same when a run is executed again. Defaults to all items.
   */
  sessionInput?: SessionInputCallback;
  /** Called, and waited for, before requests are accepted; the place to open pools and warm caches. */
  onStart?: () => unknown;
  /**
   * Called, and waited for, after the last run has ended; the place to close what `onStart` opened. Called too when
   * `onStart` or a later part of the start fails.
   */
  onStop?: () => unknown;
  /** Connected before requests are accepted and closed after the last run; those that agents name are found. */
  mcpServers?: MCPServer[];
  /**
   * Model providers beyond what the environment configures, in the order in which they are asked when the one before
   * does not answer. See `docs/providers.md`. Defaults to none.
   */
  providers?: ProviderOption[];
};
