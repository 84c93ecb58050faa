import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ServiceUnderTest, startService } from '../support/service.ts';

let service: ServiceUnderTest;

beforeAll(async () => {
  service = await startService({ env: { INPUT_BYTES_MAX: '0' } });
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
});

const deep = (depth: number, [open, close]: [string, string]) => open.repeat(depth) + close.repeat(depth);

const bodies: [what: string, body: unknown, status: number, code: string][] = [
  ['no JSON', '{"message":', 400, 'malformed_json'],
  ['an empty body', '', 400, 'malformed_json'],
  ['JSON that is no object', '[1]', 422, 'validation_failed'],
  ['null', 'null', 422, 'validation_failed'],
  ['no message', {}, 422, 'validation_failed'],
  ['an empty message', { message: '' }, 422, 'validation_failed'],
  ['a message that is a number', { message: 1 }, 422, 'validation_failed'],
  ['a message with NUL', { message: 'a\0b' }, 422, 'validation_failed'],
  ['a message that is too long', { message: 'a'.repeat(200_001) }, 422, 'validation_failed'],
  ['a body that is too large', { message: 'a'.repeat(2_000_000) }, 413, 'payload_too_large'],
  ['an unknown field', { message: 'Hi', tenant_id: 'other' }, 422, 'validation_failed'],
  ['fields that the service sets', { message: 'Hi', status: 'completed', created_at: 'x' }, 422, 'validation_failed'],
  ['a provider of the caller’s own', { message: 'Hi', base_url: 'http://x', api_key: 'x' }, 422, 'validation_failed'],
  ['input items instead of a message', { message: [{ role: 'system', content: 'x' }] }, 422, 'validation_failed'],
  ['__proto__', '{"message":"Hi","__proto__":{"x":1}}', 400, 'malformed_json'],
  ['__proto__ in metadata', '{"message":"Hi","metadata":{"__proto__":{"x":1}}}', 400, 'malformed_json'],
  ['constructor.prototype', '{"message":"Hi","metadata":{"constructor":{"prototype":{"x":1}}}}', 400, 'malformed_json'],
  ['metadata that is a list', { message: 'Hi', metadata: [1] }, 422, 'validation_failed'],
  ['metadata that is too large', { message: 'Hi', metadata: { x: 'a'.repeat(17_000) } }, 422, 'validation_failed'],
  [
    'metadata nested 10,000 deep',
    `{"message":"Hi","metadata":{"x":${deep(10_000, ['[', ']'])}}}`,
    422,
    'validation_failed',
  ],
  ['a body nested 100,000 deep', deep(100_000, ['[', ']']), 422, 'validation_failed'],
  ['a session id with a slash', { message: 'Hi', session_id: '../x' }, 422, 'validation_failed'],
  ['an empty session id', { message: 'Hi', session_id: '' }, 422, 'validation_failed'],
  ['a session id that is too long', { message: 'Hi', session_id: 'a'.repeat(201) }, 422, 'validation_failed'],
  ['an agent that does not exist', { message: 'Hi', agent: 'nobody' }, 422, 'validation_failed'],
  ['an agent named like a method', { message: 'Hi', agent: 'constructor' }, 422, 'validation_failed'],
  ['a timeout of nothing', { message: 'Hi', timeout_s: 0 }, 422, 'validation_failed'],
  ['a timeout beyond the limit', { message: 'Hi', timeout_s: 1e9 }, 422, 'validation_failed'],
  ['a way of waiting that does not exist', { message: 'Hi', if_busy: 'maybe' }, 422, 'validation_failed'],
];

describe.each(['/api/v1/run', '/api/v1/run/stream'])('POST %s', (path) => {
  test.each(bodies)('refuses %s', async (_, body, status, code) => {
    const answer = await service.post(path, body);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(answer.body.instance).toBe(answer.headers.get('x-request-id'));
  });
});

test('every mistake in a body is named with its place', async () => {
  const { body } = await service.post('/api/v1/run', { session_id: '', metadata: 1 });
  const paths = (body.errors as { path: string }[]).map(({ path }) => path);
  expect(paths).toEqual(expect.arrayContaining(['message', 'session_id', 'metadata']));
});

const requests: [what: string, path: string, init: RequestInit, status: number, code: string][] = [
  ['a route that does not exist', '/api/v1/nothing', {}, 404, 'not_found'],
  ['a method that a route does not have', '/api/v1/runs', { method: 'PUT' }, 404, 'not_found'],
  ['a run that does not exist', '/api/v1/runs/run_x', {}, 404, 'not_found'],
  ['a run id with a path in it', '/api/v1/runs/..%2F..%2Fetc', {}, 404, 'not_found'],
  ['a run id with NUL', '/api/v1/runs/a%00b', {}, 404, 'not_found'],
  ['a run id that is too long', `/api/v1/runs/${'a'.repeat(250)}`, {}, 422, 'validation_failed'],
  ['a broken escape in the path', '/api/v1/runs/%E0%A4%A', {}, 400, 'malformed_json'],
  ['a session that does not exist', '/api/v1/sessions/none', {}, 404, 'not_found'],
  ['a session id that cannot be one', '/api/v1/sessions/a%20b', {}, 422, 'validation_failed'],
  ['a limit of -1', '/api/v1/runs?limit=-1', {}, 422, 'validation_failed'],
  ['a limit of a billion', '/api/v1/runs?limit=1000000000', {}, 422, 'validation_failed'],
  ['a limit that is no number', '/api/v1/runs?limit=NaN', {}, 422, 'validation_failed'],
  ['a cursor that is no cursor', '/api/v1/runs?cursor=abc', {}, 422, 'validation_failed'],
  ['a cursor of another list', '/api/v1/runs?cursor=eyJzZXEiOjF9', {}, 422, 'validation_failed'],
  ['an unknown filter', '/api/v1/runs?tenant_id=x', {}, 422, 'validation_failed'],
  ['a status that does not exist', '/api/v1/runs?status=%27%20or%201=1', {}, 422, 'validation_failed'],
  ['a time that is none', '/api/v1/runs?since=yesterday', {}, 422, 'validation_failed'],
  ['a filter twice', '/api/v1/runs?agent=a&agent=b', {}, 422, 'validation_failed'],
  [
    'another media type',
    '/api/v1/run',
    { method: 'POST', body: 'message=Hi', headers: { 'content-type': 'text/plain' } },
    415,
    'unsupported_media_type',
  ],
  ['no media type', '/api/v1/run', { method: 'POST', body: new Uint8Array([123, 125]) }, 415, 'unsupported_media_type'],
  [
    'bytes that are not UTF-8',
    '/api/v1/run',
    { method: 'POST', body: new Uint8Array([0xff, 0xfe]), headers: { 'content-type': 'application/json' } },
    400,
    'malformed_json',
  ],
];

test.each(requests)('%s is refused', async (_, path, init, status, code) => {
  const answer = await service.request(path, init);
  expect([answer.status, answer.body.code]).toEqual([status, code]);
});

test('filters match text as it is, whatever it means to a database', async () => {
  const { status, body } = await service.get(`/api/v1/runs?agent=${encodeURIComponent("x' or '1'='1 %_\\")}`);
  expect([status, body.data]).toEqual([200, []]);
});

/** Sends bytes as they are and reads what comes until the server ends the connection. */
async function raw(bytes: string): Promise<string> {
  const { hostname, port } = new URL(service.url);
  const socket = connect(Number(port), hostname);
  let received = '';
  socket.on('data', (chunk) => {
    received += chunk;
  });
  socket.on('error', () => {}); // a reset after the answer is an end too
  socket.write(bytes);
  await once(socket, 'close');
  return received;
}

const head = 'POST /api/v1/run HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\n';

test.each([
  ['what is not HTTP', 'HELLO\r\n\r\n', 400],
  ['headers beyond 16 KiB', `GET /healthz HTTP/1.1\r\nhost: x\r\nx-large: ${'a'.repeat(17_000)}\r\n\r\n`, 431],
  ['two lengths at once', `${head}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
  ['a negative length', `${head}content-length: -1\r\n\r\n`, 400],
  ['a folded header', 'GET /healthz HTTP/1.1\r\nhost: x\r\nx-a: b\r\n c\r\n\r\n', 400],
])('%s is answered with a problem document and the end of the connection', async (_, bytes, status) => {
  const answer = await raw(bytes);
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(answer).toContain('application/problem+json');
});

test('after all of this the service is well and has made no run', async () => {
  expect((await service.get('/api/v1/runs')).body.data).toEqual([]);
  expect((await service.get('/healthz')).body).toEqual({ status: 'healthy' });
  expect(service.logLines().filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
});
