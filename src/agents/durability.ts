import { isHandoff } from './any-agent.ts';
import { declaredEffect, type Effect } from './effect.ts';
import type { AgentRegistry } from './registry.ts';
import { repeatedCodeOf } from './repeated-code.ts';
import { type AnyTool, kindOf } from './tool-kinds.ts';

/** What the service cannot know about its agents, for a warning to their author. Names are `agent.tool`, each once. */
export type DurabilityGaps = {
  /** Tools without a declared effect; they have the effect in `TOOL_EFFECT_DEFAULT`. */
  undeclared: string[];
  /** Computer, shell and patch tools without a declared effect; their calls happen `once`. */
  local: string[];
  /** Handoffs made by `handoff()` without a declared effect. If they have an `onHandoff`, it is `idempotent`. */
  handoffs: string[];
  /** Functions whose results are not recorded, without a declared effect. */
  repeated: string[];
  /** Agents used as tools of which the service does not know which agent they run, so that it has not seen its tools. */
  uninspected: string[];
};

/** Finds what a run that is executed again may do twice without a declared effect. */
export function findDurabilityGaps(agents: AgentRegistry): DurabilityGaps {
  const gaps: DurabilityGaps = { undeclared: [], local: [], handoffs: [], repeated: [], uninspected: [] };
  for (const { name, agent } of agents.offered()) {
    for (const tool of agent.tools as AnyTool[]) {
      const kind = kindOf(tool);
      const isUndeclared = declaredEffect(tool) === undefined;
      if (kind === 'journaled' && isUndeclared) gaps.undeclared.push(`${name}.${tool.name}`);
      if (kind === 'local' && isUndeclared) gaps.local.push(`${name}.${tool.name}`);
      if (agents.isUninspected(tool)) gaps.uninspected.push(`${name}.${tool.name}`);
    }
    for (const entry of agent.handoffs) {
      if (isHandoff(entry) && declaredEffect(entry) === undefined) gaps.handoffs.push(`${name}.${entry.toolName}`);
    }
    for (const { option, code } of repeatedCodeOf(agent)) {
      if (declaredEffect(code) === undefined) gaps.repeated.push(`${name}.${option}`);
    }
  }
  const once = (names: string[]) => [...new Set(names)];
  return {
    undeclared: once(gaps.undeclared),
    local: once(gaps.local),
    handoffs: once(gaps.handoffs),
    repeated: once(gaps.repeated),
    uninspected: once(gaps.uninspected),
  };
}

/** Describes the gaps in sentences for the author of the agents; empty if there are none. */
export function describeDurabilityGaps(
  { undeclared, local, handoffs, repeated, uninspected }: DurabilityGaps,
  effectDefault: Effect,
): string[] {
  const sentences: string[] = [];
  const list = (names: string[]) => names.join(', ');
  if (undeclared.length > 0) {
    sentences.push(
      `No effect() is declared for ${list(undeclared)}: should a run be recovered, they count as ${effectDefault}.`,
    );
  }
  if (local.length > 0) {
    sentences.push(
      `No effect() is declared for ${list(local)}: a call happens once, and a person decides about one whose outcome is not known.`,
    );
  }
  if (handoffs.length > 0) {
    sentences.push(
      `If ${list(handoffs)} has an onHandoff, it counts as idempotent; effect() on the handoff declares another effect.`,
    );
  }
  if (repeated.length > 0) {
    sentences.push(
      `At each approval and recovery a run calls ${list(repeated)} again, since what they return is not recorded; ` +
        "effect(fn, 'read') says that this does no harm.",
    );
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
