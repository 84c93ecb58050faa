/**
 * A tool's arguments out of a message. What the message does not say comes from what was said before, then from the
 * schema's defaults; a required argument that is found nowhere is missing, and the user is asked for it.
 */
import type { Call } from './conversation.ts';
import { isNumberFor, type Schema, type Shape, shapeOf } from './schema.ts';
import { findString, type How, takesProse } from './strings.ts';
import { type Found, findNear, findNumbers, parseNumber } from './text-values.ts';
import { isDenied, meaningOf, stem, wordsOf } from './words.ts';

/** Where arguments are looked for. */
export type Source = {
  message: string;
  earlierMessages: readonly string[];
  earlierCalls: readonly Call[];
  /** The message has no meaning of its own, so all of it may be one value ("Rome"). */
  isReply?: boolean;
};

/** A required argument that was found nowhere. */
export type Missing = { name: string; description?: string; options?: unknown[] };

/** The arguments found, and the required ones that are lacking. */
export type Filled = { arguments: Record<string, unknown>; missing: Missing[] };

/** Elements found for an array. */
const elementsMax = 10;

/** Nested objects are filled this deep. */
const depthMax = 5;

/** How many of the user's earlier messages are searched. */
const earlierMessagesMax = 10;

/** Finds the arguments of a tool with these parameters (a JSON schema of an object). */
export function fillArguments(parameters: Schema, source: Source): Filled {
  const said = { ...source, message: collapse(source.message), earlierMessages: source.earlierMessages.map(collapse) };
  return fillObject(parameters, { root: parameters, source: said, taken: [], depth: 0 });
}

const collapse = (text: string) => text.replace(/\s+/g, ' ').trim();

type Filling = { root: Schema; source: Source; taken: Found[]; depth: number };

function fillObject(schema: Schema, filling: Filling): Filled {
  const shape = shapeOf(schema, filling.root);
  const parts = Object.entries(shape.properties ?? {}).map(([name, property]) => {
    const part = shapeOf(property, filling.root);
    const isRequired = shape.required?.includes(name) ?? false;
    return { name, part, isRequired, isNeeded: isRequired && !part.nullable && part.default === undefined };
  });
  // What is needed has the first choice of what the message says.
  const values = new Map<string, unknown>();
  for (const { name, part, isNeeded } of parts.toSorted((a, b) => Number(b.isNeeded) - Number(a.isNeeded))) {
    values.set(name, (isNeeded ? findNeeded : findOptional)(name, part, filling) ?? fallback(part));
  }
  const foundAny = filling.taken.length > 0;
  const filled: Filled = { arguments: {}, missing: [] };
  for (const { name, part, isRequired } of parts) {
    // A choice that nobody named is left to the first option, but only beside something that was named.
    const known = values.get(name);
    const value = known === undefined && isRequired && foundAny ? part.enum?.[0] : known;
    if (value !== undefined) filled.arguments[name] = value;
    else if (isRequired) filled.missing.push({ name, description: part.description, options: part.enum });
  }
  return filled;
}

/** What the schema itself says where the message says nothing. */
function fallback(shape: Shape): unknown {
  if (shape.default !== undefined) return shape.default;
  if (shape.nullable) return null;
  if (shape.type === 'boolean') return false;
  if (shape.type === 'array' && !shape.minItems) return [];
  return undefined;
}

/** The message first, then what was said and used before; prose is the message's own or missing. */
function findNeeded(name: string, shape: Shape, filling: Filling): unknown {
  const said = findIn(filling.source.message, name, shape, filling, { isReply: filling.source.isReply });
  return said ?? (takesProse(name, shape) ? undefined : findBefore(name, shape, filling));
}

/** What may be left out is filled only by what the message clearly says. */
const findOptional = (name: string, shape: Shape, filling: Filling): unknown =>
  findIn(filling.source.message, name, shape, filling, { strict: shape.type === 'string' });

function findObject(shape: Shape, filling: Filling): unknown {
  if (filling.depth >= depthMax) return undefined;
  const inner = fillObject(shape, { ...filling, depth: filling.depth + 1 });
  return inner.missing.length === 0 ? inner.arguments : undefined;
}

function findBefore(name: string, shape: Shape, filling: Filling): unknown {
  const used = filling.source.earlierCalls.map((call) => call.arguments[name]).find((value) => isOf(shape, value));
  if (used !== undefined) return used;
  for (const message of filling.source.earlierMessages.slice(0, earlierMessagesMax)) {
    const said = findIn(message, name, shape, { ...filling, taken: [] }, { strict: true });
    if (said !== undefined) return said;
  }
  return undefined;
}

function isOf(shape: Shape, value: unknown): boolean {
  if (value === undefined || value === null) return false;
  if (shape.enum) return shape.enum.includes(value);
  if (shape.type === 'integer' || shape.type === 'number') return typeof value === 'number';
  return shape.type === 'array' ? Array.isArray(value) && value.length > 0 : typeof value === shape.type;
}

/** The first value in the text that suits the shape and was not taken for another argument. Takes it. */
function findIn(text: string, name: string, shape: Shape, filling: Filling, how: How): unknown {
  if (shape.const !== undefined) return shape.const;
  if (shape.enum) return findOption(text, shape.enum, filling);
  switch (shape.type) {
    case 'string':
      return take(findString(name, shape, text, how), filling)?.text;
    case 'integer':
    case 'number': {
      const near = how.strict ? [] : findNumbers(text);
      const found = take([...nearNumbers(text, name), ...near].filter(isNumberOf(shape)), filling);
      return found && parseNumber(found.text);
    }
    case 'boolean':
      return findYesOrNo(text, name);
    case 'array':
      return findElements(text, name, shape, filling, how);
    case 'object':
      return findObject(shape, filling);
    default:
      return undefined;
  }
}

const overlap = (a: Found, b: Found) => a.start < b.end && b.start < a.end;

function take(found: readonly Found[], { taken }: Filling): Found | undefined {
  const free = found.find((one) => !taken.some((other) => overlap(one, other)));
  if (free) taken.push(free);
  return free;
}

const nearNumbers = (text: string, name: string) =>
  findNear(text, name).filter((found) => /^-?[\d.,]+$/.test(found.text));

const isNumberOf = (shape: Shape) => (found: Found) => isNumberFor(shape, parseNumber(found.text));

/** The option that the text names; of several the one with the most words ("express post" before "post"). */
function findOption(text: string, options: readonly unknown[], { taken }: Filling): unknown {
  const said = new Set(wordsOf(text).map(stem));
  const named = options
    .map((option) => ({ option, parts: wordsOf(String(option)).map(stem) }))
    .filter(({ parts }) => parts.length > 0 && parts.every((part) => said.has(part)))
    .sort((a, b) => b.parts.length - a.parts.length)[0];
  if (named) taken.push({ text: String(named.option), start: 0, end: 0 });
  return named?.option;
}

/** True when the text says the name's words, false when it denies them ("no gift wrap", "without gift wrap"). */
function findYesOrNo(text: string, name: string): boolean | undefined {
  const said = wordsOf(text).map(stem);
  const named = [...meaningOf(name)];
  const at = said.indexOf(named[0] ?? '');
  if (at < 0 || !named.every((part) => said.includes(part))) return undefined;
  return !isDenied(said, at);
}

function findElements(text: string, name: string, shape: Shape, filling: Filling, how: How): unknown {
  const element = shapeOf(shape.items ?? {}, filling.root);
  const max = Math.min(shape.maxItems ?? elementsMax, elementsMax);
  if (element.enum) {
    const named = element.enum.filter((option) => findOption(text, [option], filling) !== undefined);
    return named.length >= Math.max(1, shape.minItems ?? 1) ? named.slice(0, max) : undefined;
  }
  const found: unknown[] = [];
  while (found.length < max) {
    const next = findIn(text, name, element, filling, how);
    // Prose fills one element; it takes no place, so the search would never end.
    if (next === undefined || found.includes(next)) break;
    found.push(next);
    if (element.type === 'object') break;
  }
  return found.length >= Math.max(1, shape.minItems ?? 1) ? found : undefined;
}
