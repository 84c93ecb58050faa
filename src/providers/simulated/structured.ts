/** A structured answer: tool results and values of the message in the form of the schema; the rest are sample values. */
import { fillArguments } from './arguments.ts';
import type { Conversation } from './conversation.ts';
import { parseObject } from './conversation.ts';
import { matchesPattern } from './pattern.ts';
import { isNumberInBounds, type Schema, type Shape } from './schema.ts';
import { sampleValue } from './schema-values.ts';
import { takesProse } from './strings.ts';
import { humanName } from './words.ts';

/**
 * Generates a value that satisfies the schema.
 *
 * @param text the answer as text; fills the strings that take prose ("summary", "message")
 */
export function structuredAnswer(schema: Schema, conversation: Conversation, text: string): unknown {
  const facts = factsOf(conversation);
  const fromMessage = fillArguments(schema, conversation).arguments;
  const knownValues = [facts, fromMessage].map(
    (values) => new Map(Object.entries(values).map(([key, one]) => [humanName(key), one])),
  );
  return sampleValue(schema, (name, shape) => {
    if (shape.type === 'string' && takesProse(name, shape) && satisfies(shape, text)) return text;
    return knownValues.map((values) => values.get(humanName(name))).find((value) => satisfies(shape, value));
  });
}

/** The properties of the tool results, and the arguments of the calls; later ones take precedence. */
function factsOf({ calls }: Conversation): Record<string, unknown> {
  return Object.assign({}, ...calls.map((call) => ({ ...call.arguments, ...parseObject(call.output ?? '') })));
}

/** Whether a scalar satisfies the shape. Objects and arrays are always generated, since only their parts are known. */
function satisfies(shape: Shape, value: unknown): boolean {
  if (value === undefined || value === null || typeof value === 'object') return false;
  if (shape.const !== undefined) return value === shape.const;
  if (shape.enum) return shape.enum.includes(value);
  if (shape.type === 'integer' || shape.type === 'number')
    return typeof value === 'number' && isNumberInBounds(shape, value);
  if (typeof value !== shape.type) return false;
  return typeof value !== 'string' || textSatisfies(shape, value);
}

function textSatisfies(shape: Shape, text: string): boolean {
  if (text.length < (shape.minLength ?? 0) || text.length > (shape.maxLength ?? Number.POSITIVE_INFINITY)) return false;
  // A format without a pattern cannot be checked here, so a sample value is used.
  return shape.pattern === undefined ? shape.format === undefined : matchesPattern(shape.pattern, text);
}
