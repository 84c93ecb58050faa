/** Generates sample values that satisfy a JSON schema: for structured output, and for arguments without a value. */
import { matchesPattern, sampleFromPattern } from './pattern.ts';
import { type Schema, type Shape, sampleNumber, shapeOf } from './schema.ts';
import { humanName } from './words.ts';

/** Below `fullDepth` only required properties are generated, and arrays have minimum length; below `depthMax`, nothing. */
const fullDepth = 3;
const depthMax = 12;

/** The most elements of an array, and the most characters that a string is padded to. */
const elementsMax = 1_000;
const paddingMax = 10_000;

/** Looks up the value of a property by its name; undefined if it is unknown. The value must satisfy the shape. */
export type ValueLookup = (name: string, shape: Shape) => unknown;

const samples: Record<string, string> = {
  email: 'someone@example.com',
  uri: 'https://example.com/',
  url: 'https://example.com/',
  hostname: 'example.com',
  uuid: '00000000-0000-4000-8000-000000000000',
  'date-time': '2026-01-15T12:00:00Z',
  date: '2026-01-15',
  time: '12:00:00',
  duration: 'P1D',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
};

/**
 * Generates a value for the schema: the default or the first option if there is one, else the simplest value in bounds.
 *
 * @param lookUp called first, for every property at any depth
 */
export function sampleValue(schema: Schema, lookUp: ValueLookup = () => undefined): unknown {
  return valueFor('value', schema, { root: schema, lookUp, depth: 0 });
}

type SampleContext = { root: Schema; lookUp: ValueLookup; depth: number };

function valueFor(name: string, schema: Schema, context: SampleContext): unknown {
  const shape = shapeOf(schema, context.root);
  const given = context.lookUp(name, shape) ?? shape.const ?? shape.default ?? shape.enum?.[0];
  if (given !== undefined) return given;
  const isDeep = context.depth >= fullDepth;
  if (shape.nullable && isDeep) return null;
  switch (shape.type) {
    case 'object':
      return objectOf(shape, { ...context, depth: context.depth + 1 }, isDeep);
    case 'array':
      return arrayOf(name, shape, { ...context, depth: context.depth + 1 }, isDeep);
    case 'integer':
    case 'number':
      return sampleNumber(shape);
    case 'boolean':
      return false;
    case 'null':
      return null;
    default:
      return stringOf(name, shape);
  }
}

function objectOf(shape: Shape, context: SampleContext, isDeep: boolean): Record<string, unknown> {
  if (context.depth > depthMax) return {};
  const properties = Object.entries(shape.properties ?? {});
  const included = isDeep ? properties.filter(([name]) => shape.required?.includes(name)) : properties;
  return Object.fromEntries(included.map(([name, property]) => [name, valueFor(name, property, context)]));
}

function arrayOf(name: string, shape: Shape, context: SampleContext, isDeep: boolean): unknown[] {
  if (context.depth > depthMax) return [];
  const fixed = (shape.prefixItems ?? []).map((item) => valueFor(name, item, context));
  const length = Math.min(shape.maxItems ?? elementsMax, elementsMax, Math.max(shape.minItems ?? 0, isDeep ? 0 : 1));
  if (!shape.items || length <= fixed.length) return fixed;
  const { items } = shape;
  const options = shapeOf(items, context.root).enum ?? [];
  const more = Array.from(
    { length: length - fixed.length },
    (_, index) => options[index] ?? valueFor(name, items, context),
  );
  return [...fixed, ...more];
}

/** A string that contains the name of the property, unless it has a format or pattern. */
function stringOf(name: string, shape: Shape): string {
  const sample = samples[shape.format ?? ''];
  if (sample && (shape.pattern === undefined || matchesPattern(shape.pattern, sample))) return sample;
  if (shape.pattern !== undefined) return sampleFromPattern(shape.pattern) ?? '';
  const text = `simulated ${humanName(name)}`.padEnd(Math.min(shape.minLength ?? 0, paddingMax), '.');
  return text.slice(0, shape.maxLength);
}
