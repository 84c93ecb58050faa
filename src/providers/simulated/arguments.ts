/**
 * Extracts the arguments of a tool from a message. Arguments that are not in the message come from earlier messages and
 * calls, then from the defaults of the schema. A required argument without a value is missing: the user is asked for it.
 */
import type { Call } from './conversation.ts';
import { isNumberInBounds, type Schema, type Shape, shapeOf } from './schema.ts';
import { findString, type SearchOptions, takesProse } from './strings.ts';
import { findNear, findNumbers, parseNumber, type TextSpan } from './text-values.ts';
import { isNegated, meaningfulStems, stem, wordsOf } from './words.ts';

/** The sources of argument values. */
export type Source = {
  message: string;
  earlierMessages: readonly string[];
  earlierCalls: readonly Call[];
  /** The message is only a reply, so that all of it may be one value ("Rome"). */
  isReply?: boolean;
};

/** A required argument without a value. */
export type MissingArgument = { name: string; description?: string; options?: unknown[] };

/** The arguments with a value, and the required ones that are missing. */
export type FilledArguments = { arguments: Record<string, unknown>; missing: MissingArgument[] };

/** The most elements that are extracted for an array. */
const elementsMax = 10;

/** The depth to which nested objects are filled. */
const depthMax = 5;

/** The most earlier messages of the user that are searched. */
const earlierMessagesMax = 10;

/** Extracts the arguments of a tool with these parameters (a JSON schema of an object). */
export function fillArguments(parameters: Schema, source: Source): FilledArguments {
  const collapsed = {
    ...source,
    message: collapse(source.message),
    earlierMessages: source.earlierMessages.map(collapse),
  };
  return fillObject(parameters, { root: parameters, source: collapsed, taken: [], depth: 0 });
}

const collapse = (text: string) => text.replace(/\s+/g, ' ').trim();

type FillContext = { root: Schema; source: Source; taken: TextSpan[]; depth: number };

function fillObject(schema: Schema, context: FillContext): FilledArguments {
  const shape = shapeOf(schema, context.root);
  const parts = Object.entries(shape.properties ?? {}).map(([name, property]) => {
    const part = shapeOf(property, context.root);
    const isRequired = shape.required?.includes(name) ?? false;
    return { name, part, isRequired, isNeeded: isRequired && !part.nullable && part.default === undefined };
  });
  // Needed arguments are filled first, so that optional ones do not take their values.
  const values = new Map<string, unknown>();
  for (const { name, part, isNeeded } of parts.toSorted((a, b) => Number(b.isNeeded) - Number(a.isNeeded))) {
    values.set(name, (isNeeded ? findNeeded : findOptional)(name, part, context) ?? schemaDefault(part));
  }
  const foundAny = context.taken.length > 0;
  const filled: FilledArguments = { arguments: {}, missing: [] };
  for (const { name, part, isRequired } of parts) {
    // A required choice defaults to its first option, but only if the message has a value for another argument.
    const known = values.get(name);
    const value = known === undefined && isRequired && foundAny ? part.enum?.[0] : known;
    if (value !== undefined) filled.arguments[name] = value;
    else if (isRequired) filled.missing.push({ name, description: part.description, options: part.enum });
  }
  return filled;
}

/** The value by the schema alone. */
function schemaDefault(shape: Shape): unknown {
  if (shape.default !== undefined) return shape.default;
  if (shape.nullable) return null;
  if (shape.type === 'boolean') return false;
  if (shape.type === 'array' && !shape.minItems) return [];
  return undefined;
}

/** Searches the message, then earlier calls and messages. Prose is taken from the message only. */
function findNeeded(name: string, shape: Shape, context: FillContext): unknown {
  const value = findIn(context.source.message, name, shape, context, { isReply: context.source.isReply });
  return value ?? (takesProse(name, shape) ? undefined : findBefore(name, shape, context));
}

/** Optional arguments are filled only if the message is clear. */
const findOptional = (name: string, shape: Shape, context: FillContext): unknown =>
  findIn(context.source.message, name, shape, context, { strict: shape.type === 'string' });

function findObject(shape: Shape, context: FillContext): unknown {
  if (context.depth >= depthMax) return undefined;
  const inner = fillObject(shape, { ...context, depth: context.depth + 1 });
  return inner.missing.length === 0 ? inner.arguments : undefined;
}

function findBefore(name: string, shape: Shape, context: FillContext): unknown {
  const used = context.source.earlierCalls.map((call) => call.arguments[name]).find((value) => isOf(shape, value));
  if (used !== undefined) return used;
  for (const message of context.source.earlierMessages.slice(0, earlierMessagesMax)) {
    const value = findIn(message, name, shape, { ...context, taken: [] }, { strict: true });
    if (value !== undefined) return value;
  }
  return undefined;
}

function isOf(shape: Shape, value: unknown): boolean {
  if (value === undefined || value === null) return false;
  if (shape.enum) return shape.enum.includes(value);
  if (shape.type === 'integer' || shape.type === 'number') return typeof value === 'number';
  return shape.type === 'array' ? Array.isArray(value) && value.length > 0 : typeof value === shape.type;
}

/** Takes the first value in the text that satisfies the shape and is not taken for another argument. */
function findIn(text: string, name: string, shape: Shape, context: FillContext, options: SearchOptions): unknown {
  if (shape.const !== undefined) return shape.const;
  if (shape.enum) return findOption(text, shape.enum, context);
  switch (shape.type) {
    case 'string':
      return take(findString(name, shape, text, options), context)?.text;
    case 'integer':
    case 'number': {
      const near = options.strict ? [] : findNumbers(text);
      const found = take([...nearNumbers(text, name), ...near].filter(isNumberOf(shape)), context);
      return found && parseNumber(found.text);
    }
    case 'boolean':
      return findYesOrNo(text, name);
    case 'array':
      return findElements(text, name, shape, context, options);
    case 'object':
      return findObject(shape, context);
    default:
      return undefined;
  }
}

const overlap = (a: TextSpan, b: TextSpan) => a.start < b.end && b.start < a.end;

function take(found: readonly TextSpan[], { taken }: FillContext): TextSpan | undefined {
  const free = found.find((one) => !taken.some((other) => overlap(one, other)));
  if (free) taken.push(free);
  return free;
}

const nearNumbers = (text: string, name: string) =>
  findNear(text, name).filter((found) => /^-?[\d.,]+$/.test(found.text));

const isNumberOf = (shape: Shape) => (found: TextSpan) => isNumberInBounds(shape, parseNumber(found.text));

/** The option that the text contains; of several, the one with the most words ("express post" before "post"). */
function findOption(text: string, options: readonly unknown[], { taken }: FillContext): unknown {
  const stems = new Set(wordsOf(text).map(stem));
  const named = options
    .map((option) => ({ option, parts: wordsOf(String(option)).map(stem) }))
    .filter(({ parts }) => parts.length > 0 && parts.every((part) => stems.has(part)))
    .sort((a, b) => b.parts.length - a.parts.length)[0];
  if (named) taken.push({ text: String(named.option), start: 0, end: 0 });
  return named?.option;
}

/** True if the text contains the words of the name, false if they are negated ("no gift wrap", "without gift wrap"). */
function findYesOrNo(text: string, name: string): boolean | undefined {
  const stems = wordsOf(text).map(stem);
  const named = [...meaningfulStems(name)];
  const at = stems.indexOf(named[0] ?? '');
  if (at < 0 || !named.every((part) => stems.includes(part))) return undefined;
  return !isNegated(stems, at);
}

function findElements(text: string, name: string, shape: Shape, context: FillContext, options: SearchOptions): unknown {
  const element = shapeOf(shape.items ?? {}, context.root);
  const max = Math.min(shape.maxItems ?? elementsMax, elementsMax);
  if (element.enum) {
    const named = element.enum.filter((option) => findOption(text, [option], context) !== undefined);
    return named.length >= Math.max(1, shape.minItems ?? 1) ? named.slice(0, max) : undefined;
  }
  const found: unknown[] = [];
  while (found.length < max) {
    const next = findIn(text, name, element, context, options);
    // Prose fills one element only: it takes no span of the text, so the search would never end.
    if (next === undefined || found.includes(next)) break;
    found.push(next);
    if (element.type === 'object') break;
  }
  return found.length >= Math.max(1, shape.minItems ?? 1) ? found : undefined;
}
