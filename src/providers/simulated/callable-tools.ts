import type { ModelRequest } from '@openai/agents';
import type { Offer } from './decide.ts';
import { type Schema, shapeOf } from './schema.ts';

type FunctionTool = Extract<ModelRequest['tools'][number], { type: 'function' }>;

/**
 * What the model may call: function tools that are loaded, then handoffs. Hosted tools, computers, shells and patches
 * are left alone, since their effects are not simulated.
 */
export function offersOf({ tools, handoffs }: Pick<ModelRequest, 'tools' | 'handoffs'>): Offer[] {
  const functions = tools.filter((tool): tool is FunctionTool => tool.type === 'function' && !tool.deferLoading);
  return [...functions.map(toolOffer), ...handoffs.map(handoffOffer)];
}

function toolOffer(tool: FunctionTool): Offer {
  const parameters = tool.parameters as Schema;
  const { name, description, namespace } = tool;
  return { kind: 'tool', name, namespace, description, parameters, hints: hintsOf(parameters) };
}

function handoffOffer(handoff: ModelRequest['handoffs'][number]): Offer {
  const { toolName: name, toolDescription: description, inputJsonSchema } = handoff;
  return { kind: 'handoff', name, description, parameters: inputJsonSchema as Schema, hints: [] };
}

/** The parameters' names and descriptions, and the options they list. */
function hintsOf(parameters: Schema): string[] {
  return Object.entries(parameters.properties ?? {}).flatMap(([name, property]) => {
    const { description, enum: options } = shapeOf(property, parameters);
    return [name, description ?? '', ...(options ?? []).map(String)];
  });
}
