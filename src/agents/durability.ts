import { declaredEffect, type Effect } from './effect.ts';
import type { AgentRegistry } from './registry.ts';
import { isHandoff } from './registry.ts';
import { type AnyTool, kindOf } from './tool-kinds.ts';

/** What a service cannot know of its agents, so that their author is told. Names are `agent.tool`, each once. */
export type DurabilityGaps = {
  /** Tools that nobody declared, which count as `TOOL_EFFECT_DEFAULT` says. */
  undeclared: string[];
  /** Handoffs made by `handoff()`, whose `onHandoff`, if they have one, is called again on recovery. */
  handoffs: string[];
  /** Tools that act outside of the journal and that were declared to do no harm when all their calls are repeated. */
  repeated: string[];
};

/** Finds what a recovered run may do twice because nobody said what that means. */
export function findDurabilityGaps(agents: AgentRegistry): DurabilityGaps {
  const gaps = { undeclared: new Set<string>(), handoffs: new Set<string>(), repeated: new Set<string>() };
  for (const { name, agent } of agents.offered()) {
    for (const tool of agent.tools as AnyTool[]) {
      const kind = kindOf(tool);
      if (kind === 'journaled' && declaredEffect(tool) === undefined) gaps.undeclared.add(`${name}.${tool.name}`);
      if (kind === 'local') gaps.repeated.add(`${name}.${tool.name}`);
    }
    for (const entry of agent.handoffs) {
      if (isHandoff(entry) && declaredEffect(entry) === undefined) gaps.handoffs.add(`${name}.${entry.toolName}`);
    }
  }
  return { undeclared: [...gaps.undeclared], handoffs: [...gaps.handoffs], repeated: [...gaps.repeated] };
}

/** The gaps in sentences, for those who wrote the agents; empty where there are none. */
export function tellDurabilityGaps(
  { undeclared, handoffs, repeated }: DurabilityGaps,
  effectDefault: Effect,
): string[] {
  const told: string[] = [];
  const list = (names: string[]) => names.join(', ');
  if (undeclared.length > 0) {
    told.push(
      `No effect() is declared for ${list(undeclared)}: should a run be recovered, they count as ${effectDefault}.`,
    );
  }
  if (handoffs.length > 0) {
    told.push(
      `If ${list(handoffs)} has an onHandoff, a recovered run calls it again; effect() on the handoff says that you know.`,
    );
  }
  if (repeated.length > 0) {
    told.push(`A recovered run repeats all calls of ${list(repeated)}, which cannot be recorded.`);
  }
  return told;
}
