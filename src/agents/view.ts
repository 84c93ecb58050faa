import type { Handoff } from '@openai/agents';
import { z } from 'zod';
import { modelOf } from './agent-model.ts';
import { type AnyAgent, isHandoff } from './any-agent.ts';
import { declaredEffect, type Effect } from './effect.ts';
import type { ModelChoices } from './model-choices.ts';
import type { AgentRegistry } from './registry.ts';
import { type AnyTool, effectOf, kindOf } from './tool-kinds.ts';
import type { Workflow } from './workflow.ts';

const toolView = z.object({
  name: z.string(),
  description: z.string(),
  needs_approval: z.boolean(),
  effect: z.string().meta({ description: 'What repeating a call means: read, idempotent or once.' }),
  effect_declared: z.boolean().meta({
    description:
      'false: nobody said, and TOOL_EFFECT_DEFAULT counts, or once for computer, shell and patch tools. Agents used as tools, and tools that the provider executes, need none.',
  }),
});

/** An agent on the wire. */
export const agentView = z
  .object({
    name: z.string(),
    kind: z.enum(['agent', 'workflow']).meta({ description: 'workflow: code of the application between runs.' }),
    entry: z.boolean(),
    model: z
      .string()
      .nullable()
      .meta({ description: 'null: a model of the agent’s own, the one that its stored prompt names, or a workflow.' }),
    models: z.array(z.string()).meta({ description: 'The models that a request may choose for it (`model`).' }),
    instructions_preview: z.string().meta({ description: 'Of a workflow: its description.' }),
    handoffs: z.array(z.string()),
    tools: z.array(toolView),
  })
  .meta({ id: 'Agent' });
/** An agent as JSON. */
export type AgentView = z.output<typeof agentView>;

const previewChars = 200;

/**
 * The SDK stores `needsApproval: true` and `false` as functions without parameters, which can be called. A function that
 * has parameters, or that fails without them, may require an approval.
 */
async function mayNeedApproval({ needsApproval }: AnyTool): Promise<boolean> {
  if (typeof needsApproval !== 'function') return needsApproval === true;
  try {
    return needsApproval.length > 0 || (await needsApproval()) !== false;
  } catch {
    return true;
  }
}

async function toToolView(tool: AnyTool, effectDefault: Effect): Promise<AgentView['tools'][number]> {
  const declared = declaredEffect(tool);
  const needsEffect = ['journaled', 'local'].includes(kindOf(tool));
  return {
    name: tool.name,
    description: tool.description ?? '',
    needs_approval: await mayNeedApproval(tool),
    effect: needsEffect ? effectOf(tool, effectDefault) : (declared ?? 'idempotent'),
    effect_declared: declared !== undefined || !needsEffect,
  };
}

/** What the view shows beside the agents: settings, and the models that requests may choose. */
export type AgentViewSettings = {
  defaultModel: string;
  effectDefault: Effect;
  choices: Pick<ModelChoices, 'modelsOf'>;
};

type Offered = ReturnType<AgentRegistry['offered']>[number];

async function toAgentView(
  agents: AgentRegistry,
  { name, agent }: Offered,
  { defaultModel, effectDefault, choices }: AgentViewSettings,
): Promise<AgentView> {
  const { instructions } = agent;
  return {
    name,
    kind: 'agent',
    entry: name === agents.entry && agent === agents.get(name),
    model: modelOf(agent, defaultModel).name,
    models: [...choices.modelsOf(agent)],
    instructions_preview:
      typeof instructions === 'string' ? instructions.slice(0, previewChars) : '(made for each run)',
    handoffs: (agent.handoffs as (AnyAgent | Handoff)[]).map((entry) =>
      agents.nameOf(isHandoff(entry) ? (entry.agent as AnyAgent) : entry),
    ),
    tools: await Promise.all((agent.tools as AnyTool[]).map((tool) => toToolView(tool, effectDefault))),
  };
}

const toWorkflowView = (agents: AgentRegistry, name: string, { description }: Workflow): AgentView => ({
  name,
  kind: 'workflow',
  entry: name === agents.entry,
  model: null,
  models: [],
  instructions_preview: description.slice(0, previewChars),
  handoffs: [],
  tools: [],
});

/** All workflows, and all agents that a run can reach, as the API shows them. */
export async function listAgents(agents: AgentRegistry, settings: AgentViewSettings): Promise<AgentView[]> {
  const workflows = agents.names().flatMap((name) => {
    const found = agents.workflow(name);
    return found ? [toWorkflowView(agents, name, found)] : [];
  });
  const offered = agents.offered().map((each) => toAgentView(agents, each, settings));
  return [...workflows, ...(await Promise.all(offered))];
}
