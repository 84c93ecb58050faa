import type { ModelRequest } from '@openai/agents';
import type { Callable } from './decide.ts';
import { type Schema, shapeOf } from './schema.ts';

type FunctionTool = Extract<ModelRequest['tools'][number], { type: 'function' }>;

/**
 * The tools that the model may call: function tools that are loaded, then handoffs. Hosted tools, computers, shells and
 * patches are ignored, since their effects are not simulated.
 */
export function callablesOf({ tools, handoffs }: Pick<ModelRequest, 'tools' | 'handoffs'>): Callable[] {
  const functions = tools.filter((tool): tool is FunctionTool => tool.type === 'function' && !tool.deferLoading);
  return [...functions.map(fromTool), ...handoffs.map(fromHandoff)];
}

function fromTool(tool: FunctionTool): Callable {
  const parameters = tool.parameters as Schema;
  const { name, description, namespace } = tool;
  return { kind: 'tool', name, namespace, description, parameters, hints: hintsOf(parameters) };
}

function fromHandoff(handoff: ModelRequest['handoffs'][number]): Callable {
  const { toolName: name, toolDescription: description, inputJsonSchema } = handoff;
  return { kind: 'handoff', name, description, parameters: inputJsonSchema as Schema, hints: [] };
}

/** The names and descriptions of the parameters, and their options. */
function hintsOf(parameters: Schema): string[] {
  return Object.entries(parameters.properties ?? {}).flatMap(([name, property]) => {
    const { description, enum: options } = shapeOf(property, parameters);
    return [name, description ?? '', ...(options ?? []).map(String)];
  });
}
