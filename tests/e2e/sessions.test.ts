import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type EngineUnderTest, engines } from '../support/engines.ts';
import { type FakeProvider, startFakeProvider } from '../support/fake-provider.ts';
import { type ServiceUnderTest, startService } from '../support/service.ts';

describe.each(engines)('sessions on $name', ({ open }) => {
  let engine: EngineUnderTest;
  let provider: FakeProvider;
  let service: ServiceUnderTest;

  beforeAll(async () => {
    [engine, provider] = await Promise.all([open(), startFakeProvider()]);
    service = await startService({ provider, env: engine.env });
  });
  beforeEach(() => provider.reset());
  afterAll(async () => {
    await service?.[Symbol.asyncDispose]();
    await provider?.[Symbol.asyncDispose]();
    await engine?.[Symbol.asyncDispose]();
  });

  const say = (session_id: string, message: string, more: Record<string, unknown> = {}) =>
    service.post('/api/v1/run', { session_id, message, ...more });

  const items = async (session: string) =>
    (await service.get(`/api/v1/sessions/${session}/items`)).body.data as {
      seq: number;
      item: Record<string, unknown>;
    }[];

  const lastInput = async () => JSON.stringify((await provider.requests()).at(-1)?.body);

  test('the conversation continues, also over a handoff', async () => {
    await provider.script({ when: { lastUserContains: 'order 1', turn: 1 }, reply: { handoffTo: 'orders' } });
    await provider.script({ when: { lastUserContains: 'order 1' }, reply: 'It left today.' });
    await say('talk', 'Where is order 1?');
    await provider.script('Tomorrow.');
    const { body } = await say('talk', 'And when does it arrive?');
    expect(body.response).toBe('Tomorrow.');
    expect(await lastInput()).toMatch(/Where is order 1\?.*It left today\..*And when does it arrive\?/s);

    const kept = await items('talk');
    expect(kept.map(({ seq }) => seq)).toEqual(kept.map((_, index) => index + 1));
    expect((await service.get('/api/v1/sessions/talk')).body).toMatchObject({
      session_id: 'talk',
      items_count: kept.length,
      runs_count: 2,
      last_agent: 'triage',
      active_run_id: null,
    });
  });

  test('two runs of one session never interleave: the second waits its turn and sees the first', async () => {
    await provider.script({ when: { lastUserContains: 'first' }, reply: { text: 'One.', hold: 'first' } });
    await provider.script({ when: { lastUserContains: 'second' }, reply: 'Two.' });
    const first = say('line', 'first');
    await provider.held('first');
    const second = say('line', 'second');
    const waiting = await untilQueued('line');
    expect((await provider.stats()).requests).toBe(1);
    await provider.release('first');
    expect((await first).body.response).toBe('One.');
    const { status, body } = await second;
    expect([status, body.response, body.run_id]).toEqual([200, 'Two.', waiting]);
    expect(await lastInput()).toMatch(/first.*One\..*second/s);
  });

  test('a caller that does not wait gets the id of the run that holds the session', async () => {
    await provider.script({ text: 'One.', hold: 'busy' });
    const first = say('impatient', 'first');
    await provider.held('busy');
    const { status, body, headers } = await say('impatient', 'second', { if_busy: 'reject' });
    expect([status, body.code]).toEqual([409, 'session_busy']);
    expect(headers.get('retry-after')).toBe('1');
    expect((await service.get('/api/v1/sessions/impatient')).body.active_run_id).toBe(body.active_run_id);
    expect((await service.request('/api/v1/sessions/impatient', { method: 'DELETE' })).status).toBe(409);
    await provider.release('busy');
    expect((await first).body.run_id).toBe(body.active_run_id);
  });

  test('one who waits in vain is timed out, and the line goes on without it', async () => {
    await provider.script({ when: { lastUserContains: 'first' }, reply: { text: 'One.', hold: 'long' } });
    const first = say('slow', 'first');
    await provider.held('long');
    const { status, body } = await say('slow', 'second', { timeout_s: 0.3 });
    expect([status, body.code]).toEqual([504, 'run_timed_out']);
    await provider.release('long');
    await first;
    expect((await say('slow', 'third')).status).toBe(200);
    expect(JSON.stringify(await items('slow'))).not.toContain('second');
  });

  test('a failed run leaves the tool calls that took effect, and nothing else', async () => {
    await provider.script({ error: { status: 400 } });
    await say('failing', 'plain failure');
    expect(await items('failing')).toEqual([]);
    await provider.script(
      { toolCalls: [{ name: 'lookup_order', arguments: { order_id: '1' } }] },
      { error: { status: 400 } },
    );
    await say('failing', 'half done');
    expect((await items('failing')).map(({ item }) => item.type)).toEqual([
      'message',
      'function_call',
      'function_call_result',
      'message',
    ]);
    await provider.script('Fine now.');
    expect((await say('failing', 'again')).status).toBe(200);
    expect(await lastInput()).toContain('ended early');
  });

  test('a session can be deleted, with its items', async () => {
    await provider.script('Bye.');
    await say('gone', 'Hi');
    expect((await service.request('/api/v1/sessions/gone', { method: 'DELETE' })).status).toBe(204);
    expect((await service.get('/api/v1/sessions/gone')).status).toBe(404);
    expect((await service.get('/api/v1/sessions/gone/items')).status).toBe(404);
    expect((await service.request('/api/v1/sessions/gone', { method: 'DELETE' })).status).toBe(404);
  });

  test('lists go on page by page, without a gap or a repetition', async () => {
    for (const name of ['p1', 'p2', 'p3', 'p4', 'p5']) await say(name, 'Hi');
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor ? `&cursor=${cursor}` : '';
      const { body } = await service.get(`/api/v1/sessions?limit=2${query}`);
      seen.push(...(body.data as { session_id: string }[]).map(({ session_id }) => session_id));
      cursor = body.next_cursor as string | null;
    } while (cursor);
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.filter((name) => /^p\d$/.test(name))).toEqual(['p5', 'p4', 'p3', 'p2', 'p1']);
  });

  async function untilQueued(session: string): Promise<unknown> {
    for (;;) {
      const { body } = await service.get(`/api/v1/runs?session_id=${session}&status=queued`);
      const [queued] = body.data as { run_id: string }[];
      if (queued) return queued.run_id;
    }
  }
});

test('an answer survives kill -9: the conversation goes on in the next process', async () => {
  await using provider = await startFakeProvider();
  const dataDir = mkdtempSync(join(tmpdir(), 'agent-service-kill-'));
  try {
    await provider.script('Remember 42.');
    const first = await startService({ provider, dataDir });
    const { body } = await first.post('/api/v1/run', { message: 'What is the number?', session_id: 's' });
    first.kill('SIGKILL');
    expect(await first.exited).toBe('SIGKILL');

    await using second = await startService({ provider, dataDir });
    expect((await second.get(`/api/v1/runs/${body.run_id}`)).body).toEqual({ ...body, context: null });
    await second.post('/api/v1/run', { message: 'Again?', session_id: 's' });
    expect(JSON.stringify((await provider.requests()).at(-1)?.body)).toMatch(
      /What is the number\?.*Remember 42\..*Again\?/s,
    );
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
});

test('a second process on the same embedded store is refused, and told how to have more', async () => {
  await using first = await startService();
  await expect(startService({ dataDir: first.dataDir })).rejects.toThrow(/DATABASE_URL/);
});

test('two processes on Postgres share sessions, runs and rate limits', async () => {
  await using provider = await startFakeProvider();
  const engine = await (engines[1] as (typeof engines)[number]).open();
  const env = { ...engine.env, RATE_LIMIT_RPM: '1', RATE_LIMIT_BURST: '3' };
  try {
    await using one = await startService({ provider, env });
    await using other = await startService({ provider, env });
    await provider.script({ when: { lastUserContains: 'first' }, reply: { text: 'One.', hold: 'first' } });
    await provider.script({ when: { lastUserContains: 'second' }, reply: 'Two.' });
    const first = one.post('/api/v1/run', { message: 'first', session_id: 's' });
    await provider.held('first');
    const second = other.post('/api/v1/run', { message: 'second', session_id: 's' });
    while (((await one.get('/api/v1/runs?status=queued')).body.data as unknown[]).length === 0);
    await provider.release('first');
    expect((await first).body.response).toBe('One.');
    expect((await second).body.response).toBe('Two.');
    expect(JSON.stringify((await provider.requests()).at(-1)?.body)).toMatch(/first.*One\..*second/s);
    expect((await one.post('/api/v1/run', { message: 'third' })).status).toBe(200);
    expect((await other.post('/api/v1/run', { message: 'fourth' })).status).toBe(429);
  } finally {
    await engine[Symbol.asyncDispose]();
  }
});
