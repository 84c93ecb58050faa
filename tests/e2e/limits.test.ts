import { expect, test } from 'vitest';
import { startFakeProvider } from '../support/fake-provider.ts';
import { startService } from '../support/service.ts';

const key = 'admin-key-of-the-test';

test('where none may wait, the run beyond MAX_CONCURRENT_RUNS is refused at once, and a free place is used', async () => {
  await using provider = await startFakeProvider();
  await using service = await startService({ provider, env: { MAX_CONCURRENT_RUNS: '2', MAX_QUEUED_RUNS: '0' } });
  await provider.script({ when: { lastUserContains: 'hold' }, reply: { text: 'Held.', hold: 'full' } });
  const held = [1, 2].map((n) => service.post('/api/v1/run', { message: `hold ${n}` }));
  await provider.held('full', 2);
  const { status, body, headers } = await service.post('/api/v1/run', { message: 'one more' });
  expect(status).toBe(429);
  expect(body).toMatchObject({ code: 'too_many_runs', detail: 'Too many concurrent requests. Please retry.' });
  expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  expect((await service.post('/api/v1/run/stream', { message: 'one more' })).status).toBe(429);
  expect((await service.get('/api/v1/runs')).body.data).toHaveLength(2);
  await provider.release('full');
  expect((await Promise.all(held)).map((answer) => answer.status)).toEqual([200, 200]);
  expect((await service.post('/api/v1/run', { message: 'again' })).status).toBe(200);
});

test('a run that waits for its session holds no place', async () => {
  await using provider = await startFakeProvider();
  await using service = await startService({ provider, env: { MAX_CONCURRENT_RUNS: '2' } });
  await provider.script({ when: { lastUserContains: 'hold' }, reply: { text: 'Held.', hold: 'session' } });
  const first = service.post('/api/v1/run', { message: 'hold', session_id: 's' });
  await provider.held('session');
  const waiting = service.post('/api/v1/run', { message: 'next', session_id: 's' });
  while (((await service.get('/api/v1/runs?status=queued')).body.data as unknown[]).length === 0);
  expect((await service.post('/api/v1/run', { message: 'other' })).status).toBe(200);
  await provider.release('session');
  expect([(await first).status, (await waiting).status]).toEqual([200, 200]);
});

test('a caller beyond its rate gets Retry-After; reads and probes have limits of their own', async () => {
  await using provider = await startFakeProvider();
  await using service = await startService({ provider, env: { RATE_LIMIT_RPM: '6', RATE_LIMIT_BURST: '2' } });
  const run = () => service.post('/api/v1/run', { message: 'Hi' });
  const first = await run();
  expect(first.headers.get('ratelimit-policy')).toBe('"create";q=6;w=60');
  expect(first.headers.get('ratelimit')).toBe('"create";r=1;t=10');
  expect((await run()).status).toBe(200);
  const refused = await run();
  expect(refused.status).toBe(429);
  expect(refused.body).toMatchObject({ code: 'rate_limited', detail: 'Rate limit exceeded.' });
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  expect((await service.get('/api/v1/runs')).status).toBe(200);
  for (let probe = 0; probe < 50; probe += 1) expect((await service.get('/healthz')).status).toBe(200);
});

test('with AUTH_MODE=api_key every route of the API asks for the key, and probes do not', async () => {
  await using service = await startService({ env: { AUTH_MODE: 'api_key', ADMIN_API_KEY: key } });
  for (const path of ['/api/v1/runs', '/api/v1/runs/run_1', '/api/v1/sessions', '/api/v1/agents']) {
    const { status, body, headers } = await service.get(path);
    expect([status, body.code]).toEqual([401, 'unauthorized']);
    expect(headers.get('www-authenticate')).toBe('Bearer');
  }
  for (const authorization of [
    '',
    'Bearer',
    'Bearer ',
    'Basic x',
    `Bearer ${key}x`,
    `Bearer ${key.slice(1)}`,
    'Bearer a b',
  ]) {
    expect((await service.get('/api/v1/agents', { authorization })).status).toBe(401);
  }
  expect((await service.get('/api/v1/agents', { authorization: `Bearer ${key}` })).status).toBe(200);
  expect((await service.get('/healthz')).status).toBe(200);
  expect((await service.get('/readyz')).status).toBe(200);
});

test('a key is refused before the body is looked at, and never shown in the log', async () => {
  await using service = await startService({ env: { AUTH_MODE: 'api_key', ADMIN_API_KEY: key } });
  const answer = await service.post('/api/v1/run', '{ not json', { authorization: 'Bearer wrong-key-4711' });
  expect(answer.status).toBe(401);
  await service.get('/api/v1/agents', { authorization: `Bearer ${key}` });
  expect(JSON.stringify(service.logLines())).not.toMatch(/wrong-key-4711|admin-key-of-the-test/);
});

test('a service that asks for keys but has none starts, warns, and answers 401', async () => {
  await using service = await startService({ env: { AUTH_MODE: 'api_key' } });
  await service.logged(({ msg }) => msg?.includes('ADMIN_API_KEY') ?? false);
  expect((await service.get('/api/v1/agents', { authorization: `Bearer ${key}` })).status).toBe(401);
});

test('pages of other origins may not read answers unless CORS_ORIGINS names them', async () => {
  const headers = { origin: 'https://app.example.com' };
  await using closed = await startService();
  expect((await closed.get('/healthz', headers)).headers.get('access-control-allow-origin')).toBeNull();
  await using open = await startService({ env: { CORS_ORIGINS: 'https://app.example.com' } });
  expect((await open.get('/healthz', headers)).headers.get('access-control-allow-origin')).toBe(
    'https://app.example.com',
  );
  const other = await open.get('/healthz', { origin: 'https://evil.example.com' });
  expect(other.headers.get('access-control-allow-origin')).not.toBe('https://evil.example.com');
});

test('answers carry the headers that keep browsers careful', async () => {
  await using service = await startService();
  const { headers } = await service.get('/healthz');
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('content-security-policy')).toContain("default-src 'self'");
});
