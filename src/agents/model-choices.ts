import type { AnyAgent } from './any-agent.ts';
import { RegistrationError } from './registration-error.ts';
import type { AgentRegistry } from './registry.ts';

/** The models that requests may choose, by the name of the agent: the option `models` of `serve()`. */
export type ModelsOption = Readonly<Record<string, readonly string[]>>;

const modelNameCharsMax = 200;

const isModelName = (name: unknown): boolean =>
  typeof name === 'string' &&
  name !== '' &&
  name.length <= modelNameCharsMax &&
  !name.includes('\0') &&
  name.isWellFormed();

function assertModels(name: string, models: readonly string[], agents: AgentRegistry): void {
  const where = `models["${name}"]`;
  const agent = agents.get(name);
  if (agent === undefined) {
    throw new RegistrationError(`${where}: there is no such agent; the agents are ${agents.names().join(', ')}.`);
  }
  if (!Array.isArray(models) || models.length === 0 || !models.every(isModelName)) {
    throw new RegistrationError(`${where} must be a list of names of models, such as ['gpt-4.1', 'gpt-4.1-mini'].`);
  }
  if (typeof agent.model !== 'string') {
    throw new RegistrationError(
      `${where}: this agent brings a model along (${agent.model.constructor.name}), so that no request can choose ` +
        'another by its name. Give it the name of a model, or none.',
    );
  }
}

/**
 * Which models requests may choose for which agents.
 *
 * @throws {RegistrationError} when an agent does not exist, or cannot be given a model by its name
 */
export function createModelChoices(agents: AgentRegistry, models: ModelsOption = {}) {
  const byAgent = new Map<AnyAgent, string[]>();
  for (const [name, allowed] of Object.entries(models)) {
    assertModels(name, allowed, agents);
    const agent = agents.get(name) as AnyAgent;
    byAgent.set(agent, [...new Set([...(byAgent.get(agent) ?? []), ...allowed])]);
  }
  const modelsOf = (agent: AnyAgent | undefined): readonly string[] => (agent && byAgent.get(agent)) ?? [];

  return {
    /** The models that a request may choose for this agent; empty if it may choose none. */
    modelsOf,
    /** The agents for which requests may choose a model. */
    agents: (): AnyAgent[] => [...byAgent.keys()],
  };
}

/** Which models requests may choose for which agents. */
export type ModelChoices = ReturnType<typeof createModelChoices>;
