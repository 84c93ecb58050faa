import type { JsonSchema } from './model-call.ts';

/** How deep a schema is followed; below it everything is null. */
const depthMax = 20;

/** The smallest value that a strict JSON schema accepts: the default answer where the request names a schema. */
export function exampleOf(schema: JsonSchema, root: JsonSchema = schema, depth = 0): unknown {
  if (depth > depthMax) return null;
  const next = (inner: JsonSchema | undefined) => exampleOf(inner ?? {}, root, depth + 1);
  if (schema.$ref !== undefined) return next(root.$defs?.[schema.$ref.replace('#/$defs/', '')]);
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum[0];
  if (schema.anyOf !== undefined) return next(schema.anyOf[0]);
  switch (Array.isArray(schema.type) ? schema.type[0] : schema.type) {
    case 'object':
      return Object.fromEntries(Object.entries(schema.properties ?? {}).map(([key, inner]) => [key, next(inner)]));
    case 'array':
      return Array.from({ length: schema.minItems ?? 0 }, () => next(schema.items));
    case 'string':
      return 'text';
    case 'number':
    case 'integer':
      return schema.minimum ?? 0;
    case 'boolean':
      return false;
    default:
      return null;
  }
}
