import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type EngineUnderTest, engines } from '../support/engines.ts';
import { type FakeProvider, startFakeProvider } from '../support/fake-provider.ts';
import { type ServiceUnderTest, startService } from '../support/service.ts';
import { readEvents } from '../support/sse.ts';

type Item = { type?: string; role?: string; call_id?: string; content?: unknown };

const lookUp = (n: number) => `[[tool lookup_order {"order_id":"${n}"}]] [[text Order ${n} left.]]`;

/** What the model was sent, a request each. */
const inputsOf = async (provider: FakeProvider): Promise<Item[][]> =>
  (await provider.requests()).map(({ body }) => body?.input as Item[]).filter((input) => Array.isArray(input));

/** What a request has before what the user says now. */
const historyOf = (input: Item[]): Item[] =>
  input.slice(
    0,
    input.findLastIndex(({ role }) => role === 'user'),
  );

const idsOf = (items: Item[], type: string) => items.flatMap((item) => (item.type === type ? [item.call_id] : []));

/** All items of a session, page by page. */
async function itemsOf(service: ServiceUnderTest, session: string): Promise<{ seq: number; item: Item }[]> {
  const items: { seq: number; item: Item }[] = [];
  for (let cursor: unknown = ''; cursor !== null; ) {
    const query = cursor === '' ? '' : `&cursor=${cursor}`;
    const { body } = await service.get(`/api/v1/sessions/${session}/items?limit=200${query}`);
    items.push(...(body.data as typeof items));
    cursor = body.next_cursor;
  }
  return items;
}

describe.each(engines)('a long session on $name with SESSION_MAX_ITEMS', ({ open }) => {
  let engine: EngineUnderTest;
  let provider: FakeProvider;
  let service: ServiceUnderTest;
  let dataDir: string;
  const env = () => ({ ...engine.env, SESSION_MAX_ITEMS: '10', RUN_LEASE: '2' });

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'agent-service-long-'));
    [engine, provider] = await Promise.all([open(), startFakeProvider()]);
    service = await startService({ provider, dataDir, env: env() });
  });
  afterAll(async () => {
    await service?.[Symbol.asyncDispose]();
    await provider?.[Symbol.asyncDispose]();
    await engine?.[Symbol.asyncDispose]();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const say = (message: string, session_id: string) => service.post('/api/v1/run', { message, session_id });

  test('of a hundred turns sends the last whole turns that fit, and keeps all of them', async () => {
    for (let n = 0; n < 100; n += 1) {
      const { status } = await say(n % 3 === 0 ? lookUp(n) : `Turn ${n}`, 'long');
      expect(status).toBe(200);
    }
    const histories = (await inputsOf(provider)).map(historyOf);
    expect(histories.length).toBeGreaterThanOrEqual(134);
    for (const history of histories) {
      expect(history.length).toBeLessThanOrEqual(10);
      if (history.length > 0) expect(history[0]?.role).toBe('user');
      expect(idsOf(history, 'function_call')).toEqual(idsOf(history, 'function_call_output'));
    }
    // Turns of two and of four items: as many as fit, so eight or ten items each time.
    for (const history of histories.slice(-60)) expect(history.length).toBeGreaterThanOrEqual(8);
    expect(JSON.stringify(histories.at(-1))).toContain('Turn 98');

    const items = await itemsOf(service, 'long');
    expect(items).toHaveLength(34 * 4 + 66 * 2);
    expect(items.map(({ seq }) => seq)).toEqual(items.map((_, n) => n + 1));
    expect(JSON.stringify(items[0]?.item)).toContain('Order 0 left.');
  });

  test('shows a run that is executed again what it was shown at first', async () => {
    for (let n = 0; n < 12; n += 1) await say(`Turn ${n}`, 'killed');
    await provider.reset();
    await provider.script({
      when: { lastUserContains: 'Kill' },
      turns: [{ toolCalls: [{ name: 'lookup_order', arguments: { order_id: '7' } }] }, { text: 'Well.', hold: 'late' }],
    });
    const { body } = await service.post('/api/v1/runs', { message: 'Kill me now', session_id: 'killed' });
    await provider.held('late');
    service.kill('SIGKILL');
    await service.exited;
    await provider.release('late');
    service = await startService({ provider, dataDir, env: env() });
    await readEvents(await fetch(`${service.url}/api/v1/runs/${body.run_id}/events`)).all();
    const { body: run } = await service.get(`/api/v1/runs/${body.run_id}`);
    expect(run).toMatchObject({ status: 'completed', attempt: 2, crashes: 1, drift: false });
    const [first, second, third] = await inputsOf(provider);
    expect(historyOf(first ?? [])).toHaveLength(10);
    expect(third).toEqual(second);
    expect(second?.slice(0, 11)).toEqual(first);
    expect(await itemsOf(service, 'killed')).toHaveLength(12 * 2 + 4);
  });
});

describe('the sessionInput option', () => {
  test('chooses what is sent; the session keeps what was said', async () => {
    await using provider = await startFakeProvider();
    await using service = await startService({ provider, app: 'tests/support/apps/session-input.ts' });
    for (let n = 0; n < 4; n += 1) await service.post('/api/v1/run', { message: `Turn ${n}`, session_id: 's' });
    const sent = (await inputsOf(provider)).at(-1) ?? [];
    expect(sent.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'user']);
    expect(JSON.stringify(sent)).toMatch(/6 items were said before\..*Turn 2.*Turn 3/);
    const kept = (await itemsOf(service, 's')).map(({ item }) => item.role);
    expect(kept).toEqual(Array.from({ length: 4 }, () => ['user', 'assistant']).flat());
  });

  test('that fails has an error code of its own, and the session goes on', async () => {
    await using service = await startService({ app: 'tests/support/apps/session-input.ts' });
    const { status, body, text } = await service.post('/api/v1/run', { message: 'break it', session_id: 's' });
    expect([status, body.code]).toEqual([500, 'session_input_failed']);
    expect(text).toContain('RangeError');
    expect(text).not.toContain('4711');
    const { body: run } = await service.get(`/api/v1/runs/${body.run_id}`);
    expect(run).toMatchObject({ status: 'failed', error: { code: 'session_input_failed', retryable: false } });
    await service.logged(({ msg, err }) => msg === 'run ended' && JSON.stringify(err).includes('secret 4711'));
    expect((await service.post('/api/v1/run', { message: 'Hi', session_id: 's' })).status).toBe(200);
  });
});
