import { describe, expect, test } from 'vitest';
import { completeDocument, type Document } from './openapi.ts';

const schema = { type: 'object' };
const json = (content: unknown = schema) => ({
  description: 'Default Response',
  content: { 'application/json': { schema: content } },
});

const reference = (name: string) => ({ $ref: `#/components/schemas/${name}` });

/** A document with one operation, completed. */
function complete(operation: Record<string, unknown>, schemas: Record<string, unknown> = {}) {
  const document = completeDocument({ paths: { '/thing': { post: operation } }, components: { schemas } } as Document);
  return { operation: document.paths?.['/thing']?.post, schemas: document.components?.schemas };
}

describe('an answer', () => {
  const responses = () => ({
    200: json(),
    202: { ...json(), description: 'It waits.' },
    204: { description: 'Default Response' },
    '4XX': json(),
    503: json(),
  });

  /** The media types of the answers, by status. */
  const typesOf = (operationId: string) =>
    Object.entries(complete({ operationId, responses: responses() }).operation?.responses ?? {}).map(
      ([status, { content = {} }]) => [status, ...Object.keys(content)],
    );

  test('that is a problem has its own media type, other answers are JSON, and an answer without content has none', () => {
    expect(typesOf('getThing')).toEqual([
      ['200', 'application/json'],
      ['202', 'application/json'],
      ['204'],
      ['503', 'application/problem+json'],
      ['4XX', 'application/problem+json'],
    ]);
  });

  test('that is a stream has the media type of event streams, and its problems that of problems', () => {
    expect(typesOf('streamRun')).toContainEqual(['200', 'text/event-stream']);
    expect(typesOf('streamRun')).toContainEqual(['4XX', 'application/problem+json']);
  });

  test('that is a file has any media type', () => {
    expect(typesOf('getRunFile')).toContainEqual(['200', '*/*']);
  });

  test('allows undocumented fields, directly and in referenced schemas; a request does not', () => {
    const closed = () => ({ type: 'object', properties: { a: { ...schema } }, additionalProperties: false });
    const open = { type: 'object', properties: { a: schema } };
    const { operation, schemas } = complete(
      { requestBody: json(reference('AskInput')), responses: { 200: json(reference('Thing')), 202: json(closed()) } },
      { AskInput: closed(), Thing: { type: 'array', items: reference('Part') }, Part: closed() },
    );
    expect(schemas).toMatchObject({ Part: open, Ask: closed() });
    expect(schemas?.Part).not.toHaveProperty('additionalProperties');
    expect(operation?.responses?.['202']?.content?.['application/json']?.schema).toEqual(open);
  });

  test('keeps the description of its route, and gets a default one otherwise', () => {
    const { operation } = complete({ responses: responses() });
    const described = Object.entries(operation?.responses ?? {}).map(([status, { description }]) => [
      status,
      description,
    ]);
    expect(Object.fromEntries(described)).toEqual({
      200: 'OK',
      202: 'It waits.',
      204: 'No Content',
      503: 'Service Unavailable',
      '4XX': 'The request was refused; `code` says why.',
    });
  });
});

describe('a schema', () => {
  test('that is not referenced is left out; one that another schema references is not', () => {
    const schemas = {
      Run: { properties: { usage: reference('Usage') } },
      Usage: schema,
      RunInput: schema,
      Other: schema,
    };
    expect(complete({ responses: { 200: json(reference('Run')) } }, schemas).schemas).toEqual({
      Run: schemas.Run,
      Usage: schema,
    });
  });

  test('that is used in requests only keeps its original name', () => {
    const body = { content: { 'application/json': { schema: reference('OrderInput') } } };
    const schemas = { Order: schema, OrderInput: { items: reference('ItemInput') }, Item: schema, ItemInput: schema };
    const completed = complete({ requestBody: body, responses: {} }, schemas);
    expect(completed.operation).toMatchObject({
      requestBody: { content: { 'application/json': { schema: reference('Order') } } },
    });
    expect(completed.schemas).toEqual({ Item: schema, Order: { items: reference('Item') } });
  });

  test('that is used in requests and answers is listed twice, because defaults make the two differ', () => {
    const body = { content: { 'application/json': { schema: reference('OrderInput') } } };
    const schemas = { Order: schema, OrderInput: schema };
    const completed = complete({ requestBody: body, responses: { 200: json(reference('Order')) } }, schemas);
    expect(completed.schemas).toEqual(schemas);
    expect(completed.operation).toMatchObject({
      requestBody: { content: { 'application/json': { schema: reference('OrderInput') } } },
    });
  });

  test('that references itself is resolved once', () => {
    const schemas = { Tree: { items: reference('Tree') } };
    expect(complete({ responses: { 200: json(reference('Tree')) } }, schemas).schemas).toEqual(schemas);
  });
});

test('a document without operations is completed without schemas', () => {
  expect(completeDocument({})).toEqual({ components: { schemas: {} } });
});
