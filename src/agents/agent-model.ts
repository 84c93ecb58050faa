import type { Settings } from '../platform/settings/settings.ts';
import type { AnyAgent } from './any-agent.ts';
import type { AgentRegistry } from './registry.ts';

/** The model of an agent. */
export type AgentModel = {
  /** The name that providers are asked for; null if the agent brings a model along, or its stored prompt names it. */
  name: string | null;
  /** What determines it: the agent's `model`, its stored prompt, or the default model. */
  by: 'agent' | 'prompt' | 'default';
};

/** The model that the SDK chooses for an agent. */
export function modelOf({ model, prompt }: Pick<AnyAgent, 'model' | 'prompt'>, defaultModel: string): AgentModel {
  if (typeof model !== 'string') return { name: null, by: 'agent' };
  if (model !== '') return { name: model, by: 'agent' };
  return prompt === undefined ? { name: defaultModel, by: 'default' } : { name: null, by: 'prompt' };
}

/** The models of all agents, by the agents' public names, with where each comes from, for the log. */
export function describeModels(
  agents: AgentRegistry,
  { model: defaultModel, modelSource }: Pick<Settings['openai'], 'model' | 'modelSource'>,
): Record<string, { model: string; from: string }> {
  const described = agents.offered().map(({ name, agent }) => {
    const found = modelOf(agent, defaultModel);
    const model = found.name ?? (found.by === 'prompt' ? 'that of the stored prompt' : agent.model.constructor.name);
    return [name, { model, from: found.by === 'default' ? modelSource : found.by }];
  });
  return Object.fromEntries(described);
}
