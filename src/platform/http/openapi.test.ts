import { expect, test } from 'vitest';
import { withMediaTypes } from './openapi.ts';

const schema = { type: 'object' };
const json = () => ({ content: { 'application/json': { schema } } });

const documentOf = (operationId: string) => ({
  paths: {
    '/thing': { post: { operationId, responses: { 200: json(), 204: {}, '4XX': json(), 503: json() } } },
  },
});

/** The media types of an operation's answers, by status. */
function typesOf(operationId: string) {
  const { responses = {} } = withMediaTypes(documentOf(operationId)).paths?.['/thing']?.post ?? {};
  return Object.fromEntries(Object.entries(responses).map(([status, { content }]) => [status, content]));
}

test('problems have their own media type, answers are JSON, and no content stays none', () => {
  expect(typesOf('getThing')).toEqual({
    200: { 'application/json': { schema } },
    204: undefined,
    '4XX': { 'application/problem+json': { schema } },
    503: { 'application/problem+json': { schema } },
  });
});

test('the answer of a stream is one, its problems stay problems', () => {
  expect(typesOf('streamRun')).toMatchObject({
    200: { 'text/event-stream': { schema } },
    '4XX': { 'application/problem+json': { schema } },
  });
});

test('a document without paths is left alone', () => {
  expect(withMediaTypes({})).toEqual({});
});
