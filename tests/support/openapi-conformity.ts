import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

type Schema = Record<string, unknown>;
type Media = { schema?: Schema };
type Operation = { responses: Record<string, { content?: Record<string, Media> }> };
type Document = { paths: Record<string, Record<string, Operation>>; components: { schemas: Record<string, Schema> } };
type Exchange = {
  method: string;
  path: string;
  answer: { status: number; headers: Headers; body: unknown };
};

const pattern = (path: string) => new RegExp(`^${path.replaceAll(/\{[^}]+\}/g, '[^/]+')}$`);

function operationOf(document: Document, method: string, path: string): Operation | undefined {
  const pathname = path.split('?')[0] ?? '';
  const known = Object.keys(document.paths).find((candidate) => pattern(candidate).test(pathname));
  return known === undefined ? undefined : document.paths[known]?.[method.toLowerCase()];
}

/** The same, but without room for fields that are not documented: what answers hold is to be documented in the same step. */
function closed(schema: unknown): unknown {
  if (typeof schema !== 'object' || schema === null) return schema;
  if (Array.isArray(schema)) return schema.map(closed);
  const entries = Object.entries(schema).map(([key, value]) => [key, closed(value)] as const);
  const isClosed = 'properties' in schema && !('additionalProperties' in schema) && !('allOf' in schema);
  return Object.fromEntries(isClosed ? [...entries, ['additionalProperties', false]] : entries);
}

/** Schemas refer to each other by `#/components/schemas/…`, so each is checked beside all of them. */
function compile(document: Document, schema: Schema) {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  return ajv.compile(closed({ ...schema, components: document.components }) as Schema);
}

/**
 * A check that what the service answers is what its OpenAPI document says: the status is documented for the route, and
 * a JSON body is valid by its schema. Throws where it is not.
 */
export function createConformityCheck(documentUrl: string) {
  let loading: Promise<Document> | undefined;
  const compiled = new Map<Schema, ReturnType<typeof compile>>();

  return async ({ method, path, answer }: Exchange): Promise<void> => {
    loading ??= fetch(documentUrl).then(async (response) => (await response.json()) as Document);
    const document = await loading;
    const operation = operationOf(document, method, path);
    if (!operation) return; // an unknown route, or a page for people
    const key = [`${answer.status}`, `${Math.floor(answer.status / 100)}XX`].find(
      (status) => operation.responses[status],
    );
    if (!key)
      throw new Error(`${method} ${path} answered ${answer.status}, which its OpenAPI document does not mention.`);
    const type = answer.headers.get('content-type')?.split(';')[0] ?? '';
    const schema = operation.responses[key]?.content?.[type]?.schema;
    if (!/json/.test(type)) return;
    if (!schema) throw new Error(`${method} ${path} answered ${answer.status} as ${type}, which is not documented.`);
    const validate = compiled.get(schema) ?? compile(document, schema);
    compiled.set(schema, validate);
    if (!validate(answer.body)) {
      throw new Error(
        `${method} ${path} answered ${answer.status} against its schema: ${JSON.stringify(validate.errors)}`,
      );
    }
  };
}
