import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeApiKey } from '../../src/keys/index.ts';
import { createIds } from '../../src/platform/ids.ts';
import { type FakeProvider, startFakeProvider } from '../support/fake-provider.ts';
import { adminApiKey, bearer, holderOf, keyedEnv, type MadeKey, makeKey } from '../support/keys.ts';
import { type ServiceUnderTest, startService } from '../support/service.ts';
import { readEvents } from '../support/sse.ts';

// Callers that have a key, or would like one. What they send in bodies and on the wire is in hostile.test.ts; every
// route with another tenant's ids in isolation.test.ts; keys that end under a stream in keys.test.ts.

let provider: FakeProvider;
let service: ServiceUnderTest;
let mine: MadeKey;
let other: MadeKey;

beforeAll(async () => {
  provider = await startFakeProvider();
  service = await startService({ provider, env: keyedEnv });
  mine = await makeKey(service, { tenant: 'mine' });
  other = await makeKey(service, { tenant: 'other' });
});
afterAll(async () => {
  await service?.[Symbol.asyncDispose]();
  await provider?.[Symbol.asyncDispose]();
});

const run = async (key: MadeKey, body: object = {}, headers: Record<string, string> = {}) =>
  (await key.holder.post('/api/v1/run', { message: 'Hi', ...body }, headers)).body;

describe('a run id', () => {
  test('of another tenant is not found, as one that there is not', async () => {
    const { run_id } = await run(other);
    const ask = async (id: unknown) => {
      const { status, body } = await mine.holder.get(`/api/v1/runs/${id}`);
      return { status, ...body, instance: '', detail: `${body.detail}`.replace(`${id}`, '') };
    };
    expect(await ask(run_id)).toEqual(await ask('run_01m8azhq62e009t6hsef5b7g71'));
  });

  test.each(['..%2Fsessions', '%2e%2e%2fkeys', '%252e%252e', 'a%00b', '%F0%9F%91%A9', "x'%20or%20'1'='1", '%25', '*'])(
    'with %s in it is not found',
    async (id) => {
      for (const path of [`runs/${id}`, `runs/${id}/events`, `runs/${id}/steps`, `keys/${id}`]) {
        const { status, body } = await mine.holder.request(`/api/v1/${path}`, {
          method: path.startsWith('keys') ? 'DELETE' : 'GET',
        });
        expect([path, status, body.code]).toEqual([path, 404, 'not_found']);
      }
    },
  );

  test('in another case, or dressed up, names nothing', async () => {
    const { run_id: id } = await run(mine);
    const dressed = [
      `${id}`.toUpperCase(),
      `${id}%20`,
      `%20${id}`,
      `{${id}}`,
      `${id}%0A`,
      `${id}%00`,
      `${id}`.slice(4),
    ];
    for (const each of dressed) expect((await mine.holder.get(`/api/v1/runs/${each}`)).status, each).toBe(404);
    expect((await mine.holder.get(`/api/v1/runs/${id}`)).status).toBe(200);
  });
});

test('a session of another tenant in the body is a session of one’s own', async () => {
  await run(other, { message: 'their words 4711', session_id: 'shared-name' });
  const { run_id } = await run(mine, { message: 'my words', session_id: 'shared-name' });
  const { body, text } = await mine.holder.get('/api/v1/sessions/shared-name/items');
  expect((body.data as { run_id: string }[]).every((item) => item.run_id === run_id)).toBe(true);
  expect(text).not.toContain('4711');
  expect(JSON.stringify((await provider.requests()).at(-1)?.body)).not.toContain('4711');
});

/** Sends a request with these header lines, as they are; returns the status line. */
async function statusWith(lines: string[]): Promise<string> {
  const { hostname, port } = new URL(service.url);
  const socket = connect(Number(port), hostname);
  let received = '';
  socket.on('data', (chunk) => {
    received += chunk;
  });
  const head = ['GET /api/v1/agents HTTP/1.1', 'host: x', 'connection: close', ...lines];
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  await once(socket, 'close');
  return received.split('\r\n')[0] ?? '';
}

describe('a request that says badly who it is from', () => {
  const good = `authorization: Bearer ${adminApiKey}`;

  test.each([
    ['nothing', []],
    ['an empty header', ['authorization:']],
    ['Bearer alone', ['authorization: Bearer']],
    ['Bearer and a space', ['authorization: Bearer ']],
    ['the key without Bearer', [`authorization: ${adminApiKey}`]],
    ['Basic', [`authorization: Basic ${adminApiKey}`]],
    ['two keys in one header', [`authorization: Bearer ${adminApiKey}, Bearer ${adminApiKey}`]],
    ['two headers, the first right', [good, 'authorization: Bearer x']],
    ['two headers, the second right', ['authorization: Bearer x', good]],
    ['two headers, both right', [good, good.toUpperCase().replace(/BEARER .*/, `Bearer ${adminApiKey}`)]],
    ['another header', [`x-api-key: ${adminApiKey}`]],
    ['a cookie', [`cookie: authorization=${adminApiKey}`]],
  ])('is refused: %s', async (_, lines) => {
    expect(await statusWith(lines)).toBe('HTTP/1.1 401 Unauthorized');
  });

  test('is let in when it says it once, and well', async () => {
    expect(await statusWith([good])).toBe('HTTP/1.1 200 OK');
  });

  test('is not heard in the address', async () => {
    for (const name of ['key', 'api_key', 'access_token', 'authorization']) {
      expect((await service.get(`/api/v1/agents?${name}=${adminApiKey}`)).status).toBe(401);
    }
  });
});

test('a key with the id of another and a secret of one’s own is refused, as one that there is not', async () => {
  const ids = createIds(() => Date.UTC(2026, 0));
  const answers = [];
  for (const id of [mine.id, ids('key')]) {
    const { text } = makeApiKey(id); // well formed, its checksum right
    const { status, body, headers } = await service.get('/api/v1/agents', bearer(text));
    answers.push({ status, body: { ...body, instance: '' }, length: headers.get('content-length') });
  }
  expect(answers[0]).toMatchObject({ status: 401, body: { detail: 'This API key is not valid.' } });
  expect(answers[0]).toEqual(answers[1]);
});

test('keys that are guessed at make no errors, and nobody else waits for them', async () => {
  const ids = createIds(() => Date.UTC(2026, 0));
  const guesses = Array.from({ length: 200 }, (_, n) => (n % 2 === 0 ? makeApiKey(ids('key')).text : `ask_${n}`));
  const statuses = guesses.map(async (guess) => (await service.get('/api/v1/agents', bearer(guess))).status);
  expect((await mine.holder.get('/api/v1/agents')).status).toBe(200);
  expect(new Set(await Promise.all(statuses))).toEqual(new Set([401]));
});

describe('a route for admins', () => {
  test.each([['run'], ['read'], ['run', 'read']])('is closed to a key with the scopes %s %s', async (...scopes) => {
    const { holder } = await makeKey(service, { tenant: 'mine', scopes });
    const attempts = [
      holder.get('/api/v1/keys'),
      holder.post('/api/v1/keys', { scopes: ['admin'] }),
      holder.delete(`/api/v1/keys/${other.id}`),
      holder.delete(`/api/v1/keys/${mine.id}`),
    ];
    for (const { status, body } of await Promise.all(attempts)) expect([status, body.code]).toEqual([403, 'forbidden']);
    expect((await mine.holder.get('/api/v1/agents')).status).toBe(200);
  });
});

test.each([
  ['/api/v1/run', ['tenant_id', 'tenant', 'state', 'status', 'role', 'scopes', 'created_at', 'attempt', 'run_id']],
  ['/api/v1/keys', ['tenant_id', 'key_id', 'key', 'hash', 'role', 'created_at', 'revoked_at', 'last_used_at']],
])('what the service sets cannot be set by the body of %s', async (path, fields) => {
  const valid = path === '/api/v1/run' ? { message: 'Hi' } : { scopes: ['read'] };
  for (const field of fields) {
    const { status, body } = await mine.holder.post(path, { ...valid, [field]: 'admin' });
    expect([field, status, body.code]).toEqual([field, 422, 'validation_failed']);
  }
});

describe('an idempotency key', () => {
  const key = { 'idempotency-key': 'order-22' };

  test('with another body is refused, and tells nothing of the first one', async () => {
    const { run_id } = await run(mine, { message: 'first 4711' }, key);
    for (const path of ['/api/v1/run', '/api/v1/run/stream', '/api/v1/runs']) {
      const { status, body, text } = await mine.holder.post(path, { message: 'second' }, key);
      expect([status, body.code]).toEqual([422, 'idempotency_key_reused']);
      expect(text).not.toMatch(new RegExp(`4711|${run_id}`));
    }
  });

  test('of two tenants is two runs, also with the same body', async () => {
    const [first, again] = [
      await run(mine, {}, { 'idempotency-key': 'k' }),
      await run(mine, {}, { 'idempotency-key': 'k' }),
    ];
    const theirs = await run(other, {}, { 'idempotency-key': 'k' });
    expect(again.run_id).toBe(first.run_id);
    expect([theirs.status, theirs.run_id]).toEqual(['completed', expect.not.stringMatching(`${first.run_id}`)]);
  });

  test.each(['', 'x'.repeat(256)])('that is too short or too long is refused (%#)', async (value) => {
    const { status } = await mine.holder.post('/api/v1/run', { message: 'Hi' }, { 'idempotency-key': value });
    expect(status).toBe(422);
  });
});

describe('Last-Event-ID', () => {
  const eventsOf = async (runId: unknown, last: string) => {
    const headers = { ...mine.holder.headers, 'last-event-id': last };
    const response = await fetch(`${service.url}/api/v1/runs/${runId}/events`, { headers });
    const events = response.status === 200 ? await readEvents(response).all() : [];
    return { status: response.status, ids: events.map(({ id }) => Number(id)) };
  };

  test.each(['-1', '-9999999999', 'NaN', '1.5', '1e3', '0x1', 'run_1:2', "1' or 1=1", ' ', '9'.repeat(40)])(
    'that is no number of an event is none: everything is told (%j)',
    async (last) => {
      const { run_id } = await run(mine);
      const all = await eventsOf(run_id, '0');
      expect(all.ids).toEqual(all.ids.map((_, n) => n + 1));
      expect(await eventsOf(run_id, last)).toEqual(all);
    },
  );

  test('beyond the end of a run is 204', async () => {
    const { run_id } = await run(mine);
    expect(await eventsOf(run_id, '999999999999999')).toEqual({ status: 204, ids: [] });
  });

  test('of another run, or tenant, counts in the run that is asked for, and opens nothing', async () => {
    const [own, theirs] = [await run(mine), await run(other, { message: 'their words 4711' })];
    const all = await eventsOf(own.run_id, '0');
    expect((await eventsOf(own.run_id, '2')).ids).toEqual(all.ids.slice(2));
    expect(await eventsOf(theirs.run_id, '2')).toEqual({ status: 404, ids: [] });
  });
});

describe('a cursor', () => {
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

  test.each([
    '',
    'abc',
    encode(null),
    encode([]),
    encode('run_1'),
    encode({}),
    encode({ id: 1 }),
    encode({ id: 'x'.repeat(101) }),
    encode({ id: 'run_1', tenantId: 'other' }),
    encode({ updatedAtMs: 'now', id: 's' }),
    encode({ seq: -1 }),
    'x'.repeat(1_001),
  ])('that no list has made is refused by each of them (%#)', async (cursor) => {
    await run(mine, { session_id: 'cursors' });
    for (const list of ['runs', 'sessions', 'keys', 'sessions/cursors/items']) {
      const { status, body } = await mine.holder.get(`/api/v1/${list}?cursor=${cursor}`);
      expect([list, status, body.code]).toEqual([list, 422, 'validation_failed']);
    }
  });

  test('that was tampered with shows nothing but one’s own', async () => {
    const own = await makeKey(service, { tenant: 'cursors' });
    const theirs = await run(other, { session_id: 'zzz', message: 'their words 4711' });
    const positions = {
      runs: [{ id: theirs.run_id }, { id: 'run_zzzz' }, { id: '' }, { id: "' or 1=1 --" }, { id: '\u0000' }],
      sessions: [
        { updatedAtMs: 9e15, id: 'zzz' },
        { updatedAtMs: 0, id: '' },
        { updatedAtMs: -9e15, id: '\u0000' },
      ],
      keys: [{ id: other.id }, { id: 'key_zzzz' }, { id: '' }, { id: '\ud800' }],
    };
    for (const [list, all] of Object.entries(positions)) {
      for (const position of all) {
        const { status, body } = await own.holder.get(`/api/v1/${list}?cursor=${encode(position)}`);
        const ids = (body.data as { key_id?: string }[]).map(({ key_id }) => key_id);
        expect([list, status]).toEqual([list, 200]);
        expect([own.id], `${list} ${JSON.stringify(position)}`).toEqual(expect.arrayContaining(ids));
      }
    }
  });
});

test('after all of this the service is well, its log has no error and no key', async () => {
  expect((await holderOf(service).get('/api/v1/agents')).status).toBe(200);
  expect(service.logLines().filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
  const log = JSON.stringify(service.logLines());
  for (const { text } of [mine, other]) expect(log).not.toContain(text.slice(31));
  expect(log).not.toContain(adminApiKey);
});
