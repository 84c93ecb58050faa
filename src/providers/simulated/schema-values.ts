/** Made-up values that satisfy a JSON schema: for structured output, and for arguments that nobody gave. */
import { matches, sampleOf } from './pattern.ts';
import { numberFor, type Schema, type Shape, shapeOf } from './schema.ts';
import { humanName } from './words.ts';

/** Below this depth only what is required is made up, and arrays stay as short as they may; below the second, nothing. */
const fullDepth = 3;
const depthMax = 12;

/** No array gets more elements, and no string more characters to reach its least length. */
const elementsMax = 1_000;
const paddingMax = 10_000;

/** What is known about a property by its name; undefined where nothing is. Must itself satisfy the shape. */
export type Known = (name: string, shape: Shape) => unknown;

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
 * A value for the schema: the default or first option where there is one, else the simplest value within the bounds.
 *
 * @param known asked first, for every property at any depth
 */
export function plausible(schema: Schema, known: Known = () => undefined): unknown {
  return valueFor('value', schema, { root: schema, known, depth: 0 });
}

type Making = { root: Schema; known: Known; depth: number };

function valueFor(name: string, schema: Schema, making: Making): unknown {
  const shape = shapeOf(schema, making.root);
  const given = making.known(name, shape) ?? shape.const ?? shape.default ?? shape.enum?.[0];
  if (given !== undefined) return given;
  const isDeep = making.depth >= fullDepth;
  if (shape.nullable && isDeep) return null;
  switch (shape.type) {
    case 'object':
      return objectOf(shape, { ...making, depth: making.depth + 1 }, isDeep);
    case 'array':
      return arrayOf(name, shape, { ...making, depth: making.depth + 1 }, isDeep);
    case 'integer':
    case 'number':
      return numberFor(shape);
    case 'boolean':
      return false;
    case 'null':
      return null;
    default:
      return stringOf(name, shape);
  }
}

function objectOf(shape: Shape, making: Making, isDeep: boolean): Record<string, unknown> {
  if (making.depth > depthMax) return {};
  const properties = Object.entries(shape.properties ?? {});
  const wanted = isDeep ? properties.filter(([name]) => shape.required?.includes(name)) : properties;
  return Object.fromEntries(wanted.map(([name, property]) => [name, valueFor(name, property, making)]));
}

function arrayOf(name: string, shape: Shape, making: Making, isDeep: boolean): unknown[] {
  if (making.depth > depthMax) return [];
  const fixed = (shape.prefixItems ?? []).map((item) => valueFor(name, item, making));
  const wanted = Math.min(shape.maxItems ?? elementsMax, elementsMax, Math.max(shape.minItems ?? 0, isDeep ? 0 : 1));
  if (!shape.items || wanted <= fixed.length) return fixed;
  const { items } = shape;
  const options = shapeOf(items, making.root).enum ?? [];
  const more = Array.from(
    { length: wanted - fixed.length },
    (_, index) => options[index] ?? valueFor(name, items, making),
  );
  return [...fixed, ...more];
}

/** A string that names itself, unless its format or pattern asks for something else. */
function stringOf(name: string, shape: Shape): string {
  const sample = samples[shape.format ?? ''];
  if (sample && (shape.pattern === undefined || matches(shape.pattern, sample))) return sample;
  if (shape.pattern !== undefined) return sampleOf(shape.pattern) ?? '';
  const text = `simulated ${humanName(name)}`.padEnd(Math.min(shape.minLength ?? 0, paddingMax), '.');
  return text.slice(0, shape.maxLength);
}
