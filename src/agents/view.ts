import type { Handoff } from '@openai/agents';
import { z } from 'zod';
import { type AgentRegistry, type AnyAgent, isHandoff } from './registry.ts';

const toolView = z.object({
  name: z.string(),
  description: z.string(),
  needs_approval: z.boolean(),
  effect: z.string(),
  effect_declared: z.boolean(),
});

/** An agent on the wire. */
export const agentView = z
  .object({
    name: z.string(),
    entry: z.boolean(),
    model: z.string().nullable().meta({ description: 'null: a model of the agent’s own.' }),
    instructions_preview: z.string(),
    handoffs: z.array(z.string()),
    tools: z.array(toolView),
  })
  .meta({ id: 'Agent' });
/** An agent as JSON. */
export type AgentView = z.output<typeof agentView>;

const previewChars = 200;

type ToolLike = { name: string; description?: string; needsApproval?: unknown };

/**
 * The SDK keeps `needsApproval: true` and `false` as functions without parameters, which may be asked; a function that
 * looks at the call, or that fails without one, may say yes.
 */
async function mayNeedApproval({ needsApproval }: ToolLike): Promise<boolean> {
  if (typeof needsApproval !== 'function') return needsApproval === true;
  try {
    return needsApproval.length > 0 || (await needsApproval()) !== false;
  } catch {
    return true;
  }
}

const toToolView = async (tool: ToolLike): Promise<AgentView['tools'][number]> => ({
  name: tool.name,
  description: tool.description ?? '',
  needs_approval: await mayNeedApproval(tool),
  effect: 'idempotent',
  effect_declared: false,
});

type Offered = ReturnType<AgentRegistry['offered']>[number];

async function toAgentView(agents: AgentRegistry, { name, agent }: Offered, defaultModel: string): Promise<AgentView> {
  const { instructions, model } = agent;
  return {
    name,
    entry: name === agents.entry,
    model: typeof model === 'string' ? model || defaultModel : null,
    instructions_preview:
      typeof instructions === 'string' ? instructions.slice(0, previewChars) : '(made for each run)',
    handoffs: (agent.handoffs as (AnyAgent | Handoff)[]).map((entry) =>
      agents.nameOf(isHandoff(entry) ? (entry.agent as AnyAgent) : entry),
    ),
    tools: await Promise.all((agent.tools as ToolLike[]).map(toToolView)),
  };
}

/** Every agent that a run can reach, as the wire shows it. */
export const listAgents = (agents: AgentRegistry, defaultModel: string): Promise<AgentView[]> =>
  Promise.all(agents.offered().map((offered) => toAgentView(agents, offered, defaultModel)));
