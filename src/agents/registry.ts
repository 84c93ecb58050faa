import { Agent, type Handoff, type MCPServer } from '@openai/agents';
import { RegistrationError } from './registration-error.ts';
import { type AnyTool, whyNotDurable } from './tool-kinds.ts';

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

const looksLikeAgent = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'getAllTools' in value && 'handoffs' in value;

/**
 * An agent of another copy of the SDK would work, but nothing it does would be recorded: what is patched are the
 * prototypes of this copy.
 */
function checkAgent(name: string, value: unknown): void {
  if (value instanceof Agent) return;
  if (!looksLikeAgent(value)) throw new RegistrationError(`${name} is not an Agent of @openai/agents.`);
  throw new RegistrationError(
    `${name} is an Agent of another copy of @openai/agents than the one that agent-service uses, so that its runs ` +
      'could not be recorded. Have one copy in node_modules: "npm ls @openai/agents-core" shows who brings which.',
  );
}

function checkTools(name: string, agent: AnyAgent): void {
  for (const tool of agent.tools as AnyTool[]) {
    const why = whyNotDurable(tool);
    if (why !== null) throw new RegistrationError(`${name}: ${why}`);
  }
}

/**
 * Checks and keeps the agents given to `serve()`.
 *
 * @param agents name → SDK agent; callers choose among these names
 * @param entry the name that answers when a caller chooses none; defaults to the first
 * @throws {RegistrationError} when there are none, when `entry` is not among them, when one is not an agent of the SDK's
 *   copy that the service uses, or when a tool cannot be part of a durable run
 */
export function createAgentRegistry(agents: Record<string, AnyAgent>, entry?: string) {
  const byName = new Map(Object.entries(agents ?? {}));
  const names = [...byName.keys()];
  for (const [name, agent] of byName) {
    checkAgent(`agents.${name}`, agent);
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
  for (const agent of all) {
    const name = `The agent "${agent.name}"`;
    checkAgent(name, agent);
    checkTools(name, agent);
  }
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
