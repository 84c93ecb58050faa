import { STATUS_CODES } from 'node:http';
import { problemType } from './problem.ts';

type Content = Record<string, { schema?: unknown }>;
type Response = { description?: string; content?: Content };
type Operation = { operationId?: string; responses?: Record<string, Response> };

/** The parts of an OpenAPI document that are read or changed here. */
export type Document = {
  paths?: Record<string, Record<string, Operation>>;
  components?: { schemas?: Record<string, unknown> };
};

const json = 'application/json';

/** The operations whose answers are streams of events. */
const streams: ReadonlySet<string | undefined> = new Set(['streamRun']);
/** The operations that answer with a stream unless a list is requested. */
const alsoStreams: ReadonlySet<string | undefined> = new Set(['followRun']);

/** The operations that answer with the bytes of a file, of whatever type it is. */
const downloads: ReadonlySet<string | undefined> = new Set(['getRunFile', 'getRunInput']);

const eventStream = 'text/event-stream';
/** One event of a stream, as OpenAPI 3.2 and JSON Schema describe it (`contentSchema`). */
const serverSentEvent = () => ({
  type: 'object',
  required: ['event', 'data'],
  properties: {
    id: { type: 'string', description: 'The number of the event; not of `stream.closing`.' },
    event: { type: 'string', description: 'Its type.' },
    data: {
      type: 'string',
      contentMediaType: json,
      contentSchema: { $ref: '#/components/schemas/RunEvent' },
    },
  },
});
const streamContent = () => ({ schema: { $ref: '#/components/schemas/ServerSentEvent' } });

/** The description by the framework of an answer that its route does not describe. */
const undescribed = 'Default Response';
const descriptions: Record<string, string> = {
  ...STATUS_CODES,
  '4XX': 'The request was refused; `code` says why.',
  '5XX': 'The service, or what it depends on, could not do it; `code` says why.',
};

function setMediaType(content: Content | undefined, type: string): void {
  if (!content?.[json]) return;
  content[type] = content[json];
  delete content[json];
}

/** Sets the media type of an answer, which the schema of its route does not have: problems and streams are not plain JSON. */
function completeResponse(status: string, response: Response, { operationId }: Operation): void {
  if (/^[45]/.test(status)) setMediaType(response.content, problemType);
  else if (response.content?.[json] && streams.has(operationId)) response.content = { [eventStream]: streamContent() };
  else if (response.content?.[json] && alsoStreams.has(operationId)) response.content[eventStream] = streamContent();
  else if (downloads.has(operationId)) setMediaType(response.content, '*/*');
  if (response.description === undescribed) response.description = descriptions[status] ?? status;
}

type Reference = { $ref: string };

/** All references to schemas in `value`, at any depth. */
function referencesIn(value: unknown): Reference[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = '$ref' in value && typeof value.$ref === 'string' ? [value as Reference] : [];
  return [...own, ...Object.values(value).flatMap(referencesIn)];
}

const prefix = '#/components/schemas/';
const nameOf = ({ $ref }: Reference) => $ref.slice(prefix.length);

/** The schemas that `used` refers to, directly or through others. */
function neededSchemas(used: unknown, { components }: Document): Map<string, unknown> {
  const needed = new Map<string, unknown>();
  const need = (value: unknown): void => {
    for (const name of referencesIn(value).map(nameOf)) {
      if (needed.has(name)) continue;
      needed.set(name, components?.schemas?.[name]);
      need(components?.schemas?.[name]);
    }
  };
  need(used);
  return needed;
}

/**
 * The library makes two schemas of each named one: one for answers, and one for requests, "…Input". This keeps the needed
 * ones, each under its original name; only a schema that is used in both requests and answers stays twice.
 */
function nameSchemas(document: Document): void {
  const needed = neededSchemas(document.paths, document);
  const plainName = (name: string) => {
    const plain = name.replace(/Input$/, '');
    return needed.has(plain) ? name : plain;
  };
  for (const reference of referencesIn([document.paths, ...needed.values()])) {
    reference.$ref = prefix + plainName(nameOf(reference));
  }
  const schemas = [...needed].map(([name, schema]) => [plainName(name), schema] as const);
  document.components = { ...document.components, schemas: Object.fromEntries(schemas.sort()) };
}

/** Allows additional fields in answers, so that clients generated from this document accept fields of later versions. */
function openAnswers(document: Document, operations: readonly Operation[]): void {
  const responses = operations.map((operation) => operation.responses);
  const open = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    if ('additionalProperties' in value && value.additionalProperties === false) delete value.additionalProperties;
    Object.values(value).forEach(open);
  };
  open([responses, ...neededSchemas(responses, document).values()]);
}

/** Completes, in place, the document that is generated from the schemas of the routes. */
export function completeDocument(document: Document): Document {
  const operations = Object.values(document.paths ?? {}).flatMap((path) => Object.values(path));
  const schemas = { ...document.components?.schemas, ServerSentEvent: serverSentEvent() };
  document.components = { ...document.components, schemas };
  for (const operation of operations) {
    for (const [status, response] of Object.entries(operation.responses ?? {})) {
      completeResponse(status, response, operation);
    }
  }
  openAnswers(document, operations);
  nameSchemas(document);
  return document;
}
