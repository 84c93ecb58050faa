/** A structured answer: what the tools gave and the message says, in the schema's form; the rest is made up. */
import { fillArguments } from './arguments.ts';
import type { Conversation } from './conversation.ts';
import { parseObject } from './conversation.ts';
import { matches } from './pattern.ts';
import { isNumberFor, type Schema, type Shape } from './schema.ts';
import { plausible } from './schema-values.ts';
import { takesProse } from './strings.ts';
import { humanName } from './words.ts';

/**
 * A value that satisfies the schema.
 *
 * @param text the answer in words; fills the strings that ask for prose ("summary", "message")
 */
export function structuredAnswer(schema: Schema, conversation: Conversation, text: string): unknown {
  const facts = factsOf(conversation);
  const said = fillArguments(schema, conversation).arguments;
  const known = [facts, said].map(
    (values) => new Map(Object.entries(values).map(([key, one]) => [humanName(key), one])),
  );
  return plausible(schema, (name, shape) => {
    if (shape.type === 'string' && takesProse(name, shape) && suits(shape, text)) return text;
    return known.map((values) => values.get(humanName(name))).find((value) => suits(shape, value));
  });
}

/** The properties of the tools' results and the arguments they were called with; later ones win. */
function factsOf({ calls }: Conversation): Record<string, unknown> {
  return Object.assign({}, ...calls.map((call) => ({ ...call.arguments, ...parseObject(call.output ?? '') })));
}

/** Whether a scalar satisfies the shape; objects and arrays are always made anew, since only their parts are known. */
function suits(shape: Shape, value: unknown): boolean {
  if (value === undefined || value === null || typeof value === 'object') return false;
  if (shape.const !== undefined) return value === shape.const;
  if (shape.enum) return shape.enum.includes(value);
  if (shape.type === 'integer' || shape.type === 'number')
    return typeof value === 'number' && isNumberFor(shape, value);
  if (typeof value !== shape.type) return false;
  return typeof value !== 'string' || suitsText(shape, value);
}

function suitsText(shape: Shape, text: string): boolean {
  if (text.length < (shape.minLength ?? 0) || text.length > (shape.maxLength ?? Number.POSITIVE_INFINITY)) return false;
  // A format without a pattern cannot be checked here, so such a string is made up.
  return shape.pattern === undefined ? shape.format === undefined : matches(shape.pattern, text);
}
