import { declaredEffect, type Effect } from './effect.ts';
import type { AgentRegistry } from './registry.ts';
import { isHandoff } from './registry.ts';
import { type AnyTool, kindOf } from './tool-kinds.ts';

/** What the service cannot know about its agents, for a warning to their author. Names are `agent.tool`, each once. */
export type DurabilityGaps = {
  /** Tools without a declared effect; they have the effect in `TOOL_EFFECT_DEFAULT`. */
  undeclared: string[];
  /** Handoffs made by `handoff()`. If they have an `onHandoff`, it is called again on recovery. */
  handoffs: string[];
  /** Tools that act outside of the journal, and whose calls are declared safe to repeat. */
  repeated: string[];
  /** Agents used as tools of which the service does not know which agent they run, so that it has not seen its tools. */
  uninspected: string[];
};

/** Finds what a recovered run may do twice without a declared effect. */
export function findDurabilityGaps(agents: AgentRegistry): DurabilityGaps {
  const gaps: DurabilityGaps = { undeclared: [], handoffs: [], repeated: [], uninspected: [] };
  for (const { name, agent } of agents.offered()) {
    for (const tool of agent.tools as AnyTool[]) {
      const kind = kindOf(tool);
      if (kind === 'journaled' && declaredEffect(tool) === undefined) gaps.undeclared.push(`${name}.${tool.name}`);
      if (kind === 'local') gaps.repeated.push(`${name}.${tool.name}`);
      if (agents.isUninspected(tool)) gaps.uninspected.push(`${name}.${tool.name}`);
    }
    for (const entry of agent.handoffs) {
      if (isHandoff(entry) && declaredEffect(entry) === undefined) gaps.handoffs.push(`${name}.${entry.toolName}`);
    }
  }
  const once = (names: string[]) => [...new Set(names)];
  return {
    undeclared: once(gaps.undeclared),
    handoffs: once(gaps.handoffs),
    repeated: once(gaps.repeated),
    uninspected: once(gaps.uninspected),
  };
}

/** Describes the gaps in sentences for the author of the agents; empty if there are none. */
export function describeDurabilityGaps(
  { undeclared, handoffs, repeated, uninspected }: DurabilityGaps,
  effectDefault: Effect,
): string[] {
  const sentences: string[] = [];
  const list = (names: string[]) => names.join(', ');
  if (undeclared.length > 0) {
    sentences.push(
      `No effect() is declared for ${list(undeclared)}: should a run be recovered, they count as ${effectDefault}.`,
    );
  }
  if (handoffs.length > 0) {
    sentences.push(
      `If ${list(handoffs)} has an onHandoff, a recovered run calls it again; effect() on the handoff says that you know.`,
    );
  }
  if (repeated.length > 0) {
    sentences.push(`A recovered run repeats all calls of ${list(repeated)}, which cannot be recorded.`);
  }
  if (uninspected.length > 0) {
    sentences.push(
      `The agents behind ${list(uninspected)} cannot be inspected: their MCP servers are not connected, and their tools ` +
        'are not checked. Use what agent.asTool() returns, not a copy of it, have one copy of @openai/agents that is not ' +
        'bundled, or give the MCP servers to serve() as mcpServers.',
    );
  }
  return sentences;
}
