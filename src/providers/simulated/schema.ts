/** The part of JSON Schema (draft 7 and 2020-12) that tool parameters and output types use. */
export type Schema = {
  type?: string | string[];
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  /** A list of schemas is the draft 7 form of `prefixItems`. */
  items?: Schema | Schema[];
  prefixItems?: Schema[];
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  $ref?: string;
  format?: string;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  multipleOf?: number;
  minItems?: number;
  maxItems?: number;
};

/** A schema with its references and unions resolved. */
export type Shape = Omit<Schema, 'items'> & {
  type: string;
  items?: Schema;
  /** Whether null is allowed too. */
  nullable: boolean;
};

/** The most references and unions that are followed in a row; a longer chain is taken for a cycle. */
const followedMax = 20;

/**
 * Follows references, merges `allOf`, and takes the first branch of a union that is not null.
 *
 * @param root the schema that `$ref`s point into
 */
export function shapeOf(schema: Schema, root: Schema, followed = 0): Shape {
  const plain = merge(dereference(schema, root), root, followed);
  const branches = followed < followedMax ? (plain.anyOf ?? plain.oneOf) : undefined;
  if (branches) {
    const chosen = branches.find((branch) => !isNull(branch)) ?? { type: 'null' };
    const { anyOf: _anyOf, oneOf: _oneOf, ...rest } = plain;
    const shape = shapeOf({ ...rest, ...dereference(chosen, root) }, root, followed + 1);
    return { ...shape, nullable: shape.nullable || branches.some(isNull) };
  }
  const types = [plain.type ?? guessType(plain)].flat();
  const elements = Array.isArray(plain.items) ? { items: undefined, prefixItems: plain.items } : { items: plain.items };
  const type = types.find((one) => one !== 'null') ?? 'null';
  return { ...plain, ...elements, type, nullable: types.includes('null') };
}

const isNull = (schema: Schema) => schema.type === 'null' || schema.const === null;

function dereference(schema: Schema, root: Schema): Schema {
  let found = schema;
  for (let followed = 0; found.$ref && followed < followedMax; followed++) {
    const { $ref, ...beside } = found;
    found = { ...resolvePointer($ref, root), ...beside };
  }
  return found;
}

/** Resolves a JSON pointer within the document (RFC 6901); an empty schema if it points to nothing. */
function resolvePointer(reference: string, root: Schema): Schema {
  const path = reference.replace(/^#\/?/, '').split('/').filter(Boolean);
  let at: unknown = root;
  for (const step of path) {
    const key = step.replaceAll('~1', '/').replaceAll('~0', '~');
    at = typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[key] : undefined;
  }
  return typeof at === 'object' && at !== null ? (at as Schema) : {};
}

function merge({ allOf, ...schema }: Schema, root: Schema, followed: number): Schema {
  if (!allOf || followed >= followedMax) return schema;
  const parts = [schema, ...allOf.map((part) => merge(dereference(part, root), root, followed + 1))];
  const merged: Schema = Object.assign({}, ...parts);
  if (!parts.some((part) => part.properties)) return merged;
  return {
    ...merged,
    properties: Object.assign({}, ...parts.map((part) => part.properties)),
    required: parts.flatMap((part) => part.required ?? []),
  };
}

function guessType(schema: Schema): string {
  if (schema.properties) return 'object';
  if (schema.items || schema.prefixItems) return 'array';
  const listed = schema.const ?? schema.enum?.[0];
  return listed === undefined ? 'string' : Array.isArray(listed) ? 'array' : typeof listed;
}

/** Whether a number satisfies the bounds of the shape. */
export function isNumberInBounds(shape: Shape, value: number): boolean {
  const { minimum = -Infinity, maximum = Infinity, exclusiveMinimum = -Infinity, exclusiveMaximum = Infinity } = shape;
  if (Number.isNaN(value) || (shape.type === 'integer' && !Number.isInteger(value))) return false;
  if (value < minimum || value > maximum || value <= exclusiveMinimum || value >= exclusiveMaximum) return false;
  return !shape.multipleOf || Number.isInteger(value / shape.multipleOf);
}

/** The simplest number within the bounds of the shape: 1 if allowed, else the nearest bound, else the middle. */
export function sampleNumber(shape: Shape): number {
  const step = shape.multipleOf ?? 1;
  const low = shape.minimum ?? shape.exclusiveMinimum;
  const high = shape.maximum ?? shape.exclusiveMaximum;
  const lowStep = low === undefined ? 0 : Math.ceil(low / step) * step;
  const highStep = high === undefined ? 0 : Math.floor(high / step) * step;
  const candidates = [1, 0, step, lowStep, lowStep + step, highStep, highStep - step, ((low ?? 0) + (high ?? 0)) / 2];
  return candidates.find((value) => isNumberInBounds(shape, value)) ?? 0;
}
