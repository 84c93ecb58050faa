import type { ModelChoices } from '../../agents/index.ts';
import { runScope } from './run-scope.ts';

/**
 * Makes the model that a request chose act: within a run, `model` of each agent that allows this model is that model.
 * Outside of a run, and in runs whose request chose none, it is the agent's own.
 *
 * The agent's model decides more than which model is asked: the SDK derives settings from it, such as the reasoning effort,
 * and prefers it over that of the runner. Thus it is the agent itself that has another model.
 */
export function letRequestsChooseModels(choices: ModelChoices): void {
  for (const agent of choices.agents()) {
    const allowed = choices.modelsOf(agent);
    let own = agent.model;
    Object.defineProperty(agent, 'model', {
      configurable: true,
      enumerable: true,
      get: () => {
        const requested = runScope.getStore()?.model ?? null;
        return requested !== null && allowed.includes(requested) ? requested : own;
      },
      set: (model: typeof own) => {
        own = model;
      },
    });
  }
}
