import type { Agent, Handoff, MCPServer } from '@openai/agents';
import { RegistrationError } from './registration-error.ts';

/** An agent of the SDK, whatever its context and output. */
// biome-ignore lint/suspicious/noExplicitAny: the SDK's agents are invariant in their context and output types
export type AnyAgent = Agent<any, any>;

/** Whether an entry of `agent.handoffs` is a Handoff and not an agent. */
export const isHandoff = (entry: AnyAgent | Handoff): entry is Handoff => 'agent' in entry && 'toolName' in entry;

/** Every agent that can be reached from `agents` by handoffs, in the order found. */
function reachable(agents: readonly AnyAgent[]): AnyAgent[] {
  const found = new Set<AnyAgent>(agents);
  for (const agent of found) {
    for (const entry of agent.handoffs as (AnyAgent | Handoff)[]) {
      found.add(isHandoff(entry) ? (entry.agent as AnyAgent) : entry);
    }
  }
  return [...found];
}

/** The agents a service offers, checked once at registration. */
export type AgentRegistry = ReturnType<typeof createAgentRegistry>;

const isAgent = (value: unknown): value is AnyAgent =>
  typeof value === 'object' && value !== null && 'getAllTools' in value && 'handoffs' in value;

/**
 * Checks and keeps the agents given to `serve()`.
 *
 * @param agents name → SDK agent; callers choose among these names
 * @param entry the name that answers when a caller chooses none; defaults to the first
 * @throws {RegistrationError} when there are none, when `entry` is not among them, or when one is not an SDK agent
 */
export function createAgentRegistry(agents: Record<string, AnyAgent>, entry?: string) {
  const byName = new Map(Object.entries(agents ?? {}));
  const names = [...byName.keys()];
  for (const [name, agent] of byName) {
    if (!isAgent(agent)) throw new RegistrationError(`agents.${name} is not an Agent of @openai/agents.`);
    if (!/^[\w.-]{1,200}$/.test(name)) {
      throw new RegistrationError(`agents has the name "${name}"; allowed are letters, digits, _ . and -.`);
    }
  }
  const entryName = entry ?? names[0];
  if (entryName === undefined)
    throw new RegistrationError('serve() needs at least one agent: serve({ agents: { name: agent } }).');
  if (!byName.has(entryName)) {
    throw new RegistrationError(`The entry agent "${entryName}" is not among the agents given: ${names.join(', ')}.`);
  }
  const all = reachable([...byName.values()]);
  // Of several names the first one counts, which is entered last.
  const registeredName = new Map([...byName].reverse().map(([name, agent]) => [agent, name]));

  return {
    entry: entryName,
    names: (): string[] => names,
    get: (name: string): AnyAgent | undefined => byName.get(name),
    /** Every MCP server that an agent names. */
    mcpServers: (): MCPServer[] => [...new Set(all.flatMap((agent) => agent.mcpServers))],
    /** Every agent that a run can reach: those that callers may name, then those that only handoffs lead to. */
    offered: (): { name: string; agent: AnyAgent }[] => [
      ...[...byName].map(([name, agent]) => ({ name, agent })),
      ...all.filter((agent) => !registeredName.has(agent)).map((agent) => ({ name: agent.name, agent })),
    ],
    /** What callers call this agent: its name in `serve()`, or its own if it is reached by handoffs only. */
    nameOf: (agent: { name: string }): string => registeredName.get(agent as AnyAgent) ?? agent.name,
  };
}
