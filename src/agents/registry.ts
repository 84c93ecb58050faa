import type { Handoff, MCPServer } from '@openai/agents';
import { createAgentNames } from './agent-names.ts';
import { agentToolRegister, type FindAgentBehind } from './agent-tools.ts';
import { type AnyAgent, isHandoff } from './any-agent.ts';
import { RegistrationError } from './registration-error.ts';
import { assertRepeatable } from './repeated-code.ts';
import { assertServable } from './servable-agent.ts';
import { kindOf } from './tool-kinds.ts';
import { isWorkflow, type Workflow } from './workflow.ts';

/** All agents that handoffs and agents used as tools reach from `agents`, breadth first, `agents` included. */
function reachableAgents(agents: readonly AnyAgent[], agentBehind: FindAgentBehind): AnyAgent[] {
  const visited = new Set<AnyAgent>(agents);
  for (const agent of visited) {
    for (const entry of agent.handoffs as (AnyAgent | Handoff)[]) {
      visited.add(isHandoff(entry) ? (entry.agent as AnyAgent) : entry);
    }
    for (const tool of agent.tools) {
      const inner = agentBehind(tool);
      if (inner) visited.add(inner as AnyAgent);
    }
  }
  return [...visited];
}

/** The agents a service offers, checked once at registration. */
export type AgentRegistry = ReturnType<typeof createAgentRegistry>;

/**
 * Checks and keeps the agents given to `serve()`.
 *
 * @param agents name → SDK agent or workflow; callers choose among these names, and those of the agents that these reach
 * @param entry the agent that runs use if the caller names none; defaults to the first
 * @throws {RegistrationError} when there are none, when `entry` is not among them, when one of them
 *   cannot be served, or when code that is called again was declared to happen once
 */
export function createAgentRegistry(agents: Record<string, AnyAgent | Workflow>, entry?: string) {
  const entries = Object.entries(agents ?? {});
  const workflows = new Map(entries.flatMap(([name, each]) => (isWorkflow(each) ? [[name, each] as const] : [])));
  const byName = new Map(entries.flatMap(([name, each]) => (isWorkflow(each) ? [] : [[name, each] as const])));
  const names = entries.map(([name]) => name);
  for (const [name, agent] of entries) {
    if (!isWorkflow(agent)) assertServable(`agents.${name}`, agent);
    if (!/^[\w.-]{1,200}$/.test(name)) {
      throw new RegistrationError(`agents has the name "${name}"; allowed are letters, digits, _ . and -.`);
    }
  }
  const entryName = entry ?? names[0];
  if (entryName === undefined)
    throw new RegistrationError('serve() needs at least one agent: serve({ agents: { name: agent } }).');
  if (!names.includes(entryName)) {
    throw new RegistrationError(`The entry agent "${entryName}" is not among the agents given: ${names.join(', ')}.`);
  }
  const agentBehind = agentToolRegister();
  const ofWorkflows = [...workflows].flatMap(([name, each]) => {
    for (const agent of each.agents) assertServable(`An agent of the workflow "${name}"`, agent);
    return each.agents;
  });
  const all = reachableAgents([...byName.values(), ...ofWorkflows], agentBehind);
  for (const agent of all) {
    const name = `The agent "${agent.name}"`;
    assertServable(name, agent);
    assertRepeatable(name, agent);
  }
  // An agent with several names is registered under the first one, which is therefore set last.
  const registeredName = new Map([...byName].reverse().map(([name, agent]) => [agent, name]));
  const reached = all.filter((agent) => !registeredName.has(agent));

  return {
    entry: entryName,
    ...createAgentNames(byName, reached, names),
    /** The workflow of this name. */
    workflow: (name: string): Workflow | undefined => workflows.get(name),
    /** All MCP servers of the agents, each once. */
    mcpServers: (): MCPServer[] => [...new Set(all.flatMap((agent) => agent.mcpServers))],
    /** All agents that a run can reach: those that callers can name, then those that only handoffs and tools reach. */
    offered: (): { name: string; agent: AnyAgent }[] => [
      ...[...byName].map(([name, agent]) => ({ name, agent })),
      ...reached.map((agent) => ({ name: agent.name, agent })),
    ],
    /** The public name of an agent: its name in `serve()`, or its own name. */
    nameOf: (agent: { name: string }): string => registeredName.get(agent as AnyAgent) ?? agent.name,
    /** Whether a tool is an agent used as a tool that is not among `offered`: the SDK does not tell which agent it runs. */
    isUninspected: (tool: object): boolean => kindOf(tool) === 'agent' && agentBehind(tool) === undefined,
  };
}
