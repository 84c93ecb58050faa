import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type EngineUnderTest, engines } from '../support/engines.ts';
import { type FakeProvider, startFakeProvider } from '../support/fake-provider.ts';
import { type ServiceUnderTest, startService } from '../support/service.ts';
import { readEvents, textOf } from '../support/sse.ts';

const over = (status: unknown) =>
  ['completed', 'failed', 'cancelled', 'timed_out', 'requires_action'].includes(`${status}`);

/** Follows a run over HTTP to its end and reads it then. */
async function ended(service: ServiceUnderTest, runId: unknown) {
  await readEvents(await fetch(`${service.url}/api/v1/runs/${runId}/events`)).all();
  const { body } = await service.get(`/api/v1/runs/${runId}`);
  expect(over(body.status)).toBe(true);
  return body;
}

describe.each(engines)('durable runs on $name', ({ name, open }) => {
  let engine: EngineUnderTest;
  let provider: FakeProvider;
  let service: ServiceUnderTest;
  const env = () => ({ ...engine.env, RUN_LEASE: '2' });

  beforeAll(async () => {
    [engine, provider] = await Promise.all([open(), startFakeProvider()]);
    service = await startService({ provider, env: env() });
  });
  beforeEach(() => provider.reset());
  afterAll(async () => {
    await service?.[Symbol.asyncDispose]();
    await provider?.[Symbol.asyncDispose]();
    await engine?.[Symbol.asyncDispose]();
  });

  const post = (path: string, body: unknown, headers?: Record<string, string>) =>
    service.post(`/api/v1${path}`, body, headers);
  const stepsOf = async (runId: unknown) =>
    (await service.get(`/api/v1/runs/${runId}/steps`)).body.data as Record<string, unknown>[];

  test('a run in the background is accepted at once and executed', async () => {
    await provider.script('Done later.');
    const { status, body, headers } = await post('/runs', { message: 'Hi', metadata: { a: 1 } });
    expect([status, body.status]).toEqual([202, 'queued']);
    expect(headers.get('location')).toBe(`/api/v1/runs/${body.run_id}`);
    expect(await ended(service, body.run_id)).toMatchObject({
      status: 'completed',
      response: 'Done later.',
      attempt: 1,
    });
  });

  test('a run for later is not executed before its time', async () => {
    const { body } = await post('/runs', { message: 'Hi', run_at: '2999-01-01T00:00:00Z' });
    await ended(service, (await post('/runs', { message: 'Now' })).body.run_id);
    expect((await service.get(`/api/v1/runs/${body.run_id}`)).body.status).toBe('queued');
    expect((await post(`/runs/${body.run_id}/cancel`, {})).body.status).toBe('cancelled');
  });

  test('a run for later cannot interrupt who holds its session now', async () => {
    const request = { message: 'Hi', session_id: 'later', if_busy: 'interrupt', run_at: '2999-01-01T00:00:00Z' };
    const { status, body } = await post('/runs', request);
    expect([status, body.code]).toEqual([422, 'validation_failed']);
    expect(body.errors).toEqual([{ path: 'run_at', message: expect.stringContaining('if_busy') }]);
    expect((await service.get('/api/v1/runs?session_id=later')).body.data).toEqual([]);
  });

  test('the journal of a run shows each model call and each tool call', async () => {
    await provider.script({
      turns: [{ toolCalls: [{ name: 'lookup_order', arguments: { order_id: '7' } }] }, 'It shipped.'],
    });
    const { body } = await post('/run', { message: 'Where is 7?' });
    const steps = await stepsOf(body.run_id);
    expect(steps.map(({ kind, status }) => [kind, status])).toEqual([
      ['model_call', 'completed'],
      ['tool_call', 'completed'],
      ['model_call', 'completed'],
    ]);
    expect(steps[1]).toMatchObject({
      step: 2,
      name: 'lookup_order',
      input: { order_id: '7' },
      output: { order_id: '7', status: 'shipped' },
      effect: 'idempotent',
      idempotency_key: `${body.run_id}:${steps[1]?.call_id}`,
      replayed: 0,
    });
    const usage = steps.reduce(
      (sum, step) => sum + ((step.usage as { total_tokens: number } | null)?.total_tokens ?? 0),
      0,
    );
    expect(usage).toBe(body.tokens_used);
    const whole = (await service.get(`/api/v1/runs/${body.run_id}/steps?expand=input`)).body.data as {
      input: unknown[];
    }[];
    const [, , third] = steps as unknown as { input: unknown[] }[];
    expect(whole[2]?.input.length).toBeGreaterThan(third?.input.length ?? 0);
  });

  test('events can be read from any number on, live and afterwards, by several viewers, each once', async () => {
    await provider.script({ text: 'one two three', hold: { name: 'half way', afterTokens: 2 } });
    const { body } = await post('/runs', { message: 'Hi' });
    const path = `${service.url}/api/v1/runs/${body.run_id}/events`;
    await provider.held('half way');
    const early = readEvents(await fetch(path));
    const late = readEvents(await fetch(path, { headers: { 'last-event-id': '2' } }));
    await provider.release('half way');
    const all = await early.all();
    expect(all.map(({ id }) => id)).toEqual(all.map((_, index) => `${index + 1}`));
    expect((await late.all()).map(({ id }) => id)).toEqual(all.slice(2).map(({ id }) => id));
    const stored = await service.get(`/api/v1/runs/${body.run_id}/events?after=0`, { accept: 'application/json' });
    expect(stored.body.data).toEqual(all.map(({ data }) => data));
    const after = await fetch(path, { headers: { 'last-event-id': `${all.length}` } });
    expect(after.status).toBe(204);
  });

  test('the same Idempotency-Key and body find the same run, on all three routes', async () => {
    await provider.script('Once.');
    const key = { 'idempotency-key': `key-${name}` };
    const first = await post('/run', { message: 'Pay' }, key);
    const again = await post('/run', { message: 'Pay' }, key);
    expect(again.body).toEqual(first.body);
    expect((await post('/runs', { message: 'Pay' }, key)).body.run_id).toBe(first.body.run_id);
    const streamed = await fetch(`${service.url}/api/v1/run/stream`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...key },
      body: JSON.stringify({ message: 'Pay' }),
    });
    expect(textOf(await readEvents(streamed).all())).toBe('Once.');
    expect((await provider.stats()).requests).toBe(1);
    const other = await post('/run', { message: 'Pay twice' }, key);
    expect([other.status, other.body.code]).toEqual([422, 'idempotency_key_reused']);
  });

  test('two requests with one key at the same time make one run', async () => {
    await provider.script({ text: 'Once.', hold: 'together' });
    const key = { 'idempotency-key': `together-${name}` };
    const both = [1, 2].map(() => post('/run', { message: 'Pay' }, key));
    await provider.held('together');
    await provider.release('together');
    const [one, other] = await Promise.all(both);
    expect(one?.body.run_id).toBe(other?.body.run_id);
    expect((await provider.stats()).requests).toBe(1);
  });

  test('a cancelled run ends, and so do its request to the provider and its stream', async () => {
    await provider.script({ text: 'one two', fault: { kind: 'hang', afterTokens: 1 } });
    const response = await fetch(`${service.url}/api/v1/run/stream`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ message: 'Hi' }),
    });
    const events = readEvents(response);
    const { data } = await events.until('text.delta');
    expect((await post(`/runs/${data.run_id}/cancel`, {})).status).toBe(200);
    await events.until('run.cancelled');
    await provider.waitFor(({ stats }) => stats.aborted === 1);
    const { body } = await post(`/runs/${data.run_id}/cancel`, {});
    expect(body).toMatchObject({ status: 'cancelled', error: { code: 'cancelled' } });
  });

  test('a run that interrupts takes the session over', async () => {
    await provider.script({ when: { lastUserContains: 'first' }, reply: { text: 'one', hold: 'first' } });
    await provider.script({ when: { lastUserContains: 'second' }, reply: 'Two.' });
    const first = post('/run', { message: 'first', session_id: 'int' });
    await provider.held('first');
    const second = await post('/run', { message: 'second', session_id: 'int', if_busy: 'interrupt' });
    expect(second.body.response).toBe('Two.');
    expect([(await first).status, (await first).body.code]).toEqual([499, 'cancelled']);
  });

  test('an approved refund is carried out, a second decision is refused', async () => {
    await provider.script({
      turns: [{ toolCalls: [{ name: 'refund', arguments: { order_id: '7' } }] }, 'Refunded.'],
    });
    const { body } = await post('/run', { message: 'Refund 7' });
    const items = (body.required_action as { items: { call_id: string }[] }).items;
    const decisions = [{ call_id: items[0]?.call_id, decision: 'approve' }];
    expect((await post(`/runs/${body.run_id}/decisions`, { decisions })).status).toBe(200);
    expect(await ended(service, body.run_id)).toMatchObject({ status: 'completed', response: 'Refunded.', attempt: 2 });
    const again = await post(`/runs/${body.run_id}/decisions`, { decisions });
    expect([again.status, again.body.code]).toEqual([409, 'not_waiting']);
    expect((await provider.stats()).requests).toBe(2);
  });

  test('a run whose process is killed goes on in another one, without asking the model again or repeating a tool', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'agent-service-durable-'));
    const effects = join(folder, 'effects.log');
    const own = await open(); // the service of the other tests does not know the agent, and would claim the run
    const options = { provider, env: { ...env(), ...own.env, EFFECTS_FILE: effects }, dataDir: folder };
    try {
      await provider.script({
        when: { agentInstructionsContain: 'worker' },
        turns: [
          { toolCalls: [{ name: 'note', arguments: { text: 'a' } }] },
          { text: 'all done now', hold: { name: 'second call', afterTokens: 1 } },
        ],
      });
      const first = await startService({ ...options, app: 'tests/support/apps/effects.ts' });
      const response = await fetch(`${first.url}/api/v1/run/stream`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ message: 'Go', session_id: `kill-${name}` }),
      });
      const before = readEvents(response);
      const { data, id } = await before.until('text.delta');
      await provider.held('second call');
      first.kill('SIGKILL');
      await first.exited;

      await using second = await startService({ ...options, app: 'tests/support/apps/effects.ts' });
      await provider.held('second call', 1);
      await provider.release('second call');
      const rest = readEvents(
        await fetch(`${second.url}/api/v1/runs/${data.run_id}/events`, { headers: { 'last-event-id': `${id}` } }),
      );
      const after = await rest.all();
      expect(after[0]?.id).toBe(`${Number(id) + 1}`);
      expect(after.map(({ event }) => event)).toContain('run.resumed');
      const { body } = await second.get(`/api/v1/runs/${data.run_id}`);
      expect(body).toMatchObject({
        status: 'completed',
        response: 'all done now',
        attempt: 2,
        crashes: 1,
        drift: false,
      });
      const stored = await second.get(`/api/v1/runs/${data.run_id}/events`, { accept: 'application/json' });
      const events = (stored.body.data as { type: string }[]).map((event) => ({
        id: '',
        event: event.type,
        data: event,
      }));
      expect(textOf(events as never)).toBe('all done now');
      const requests = (await provider.requests()).filter(({ path }) => path === '/v1/responses');
      expect(requests).toHaveLength(3); // the first call once, the one that was cut twice
      const { readFileSync } = await import('node:fs');
      expect(readFileSync(effects, 'utf8').trim().split('\n')).toHaveLength(1);
    } finally {
      await own[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('a recovered run reads the history that it read before, though its session has changed in between', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'agent-service-durable-'));
    await using own = await open();
    const options = { provider, env: { ...env(), ...own.env }, dataDir: folder };
    const ask = { message: 'And now?', session_id: 'changed' };
    try {
      await using first = await startService(options);
      await first.post('/api/v1/run', { ...ask, message: 'Hello' });
      await provider.script({ turns: [{ text: 'all done', hold: { name: 'answer' } }] });
      const lost = first.post('/api/v1/run', ask).catch(() => {});
      await provider.held('answer');
      first.kill('SIGKILL');
      await lost;
      const item = JSON.stringify({ type: 'message', role: 'user', content: 'from elsewhere' });
      await own.change(
        folder,
        `insert into session_items (tenant_id, session_id, seq, run_id, created_at_ms, item)
           values ('default', 'changed', 3, 'run_0', 0, '${item}');
         update sessions set next_seq = 4 where id = 'changed';`,
      );

      await using second = await startService(options);
      await provider.held('answer');
      await provider.release('answer');
      const { data } = (await second.get('/api/v1/runs?session_id=changed')).body as { data: { run_id: string }[] };
      expect(await ended(second, data[0]?.run_id)).toMatchObject({ attempt: 2, response: 'all done', drift: false });
      const [, before, after] = (await provider.requests()).filter(({ path }) => path === '/v1/responses');
      expect(after?.body).toEqual(before?.body);
      const { body } = await second.get('/api/v1/sessions/changed/items');
      const texts = (body.data as { item: unknown }[]).map(({ item }) => JSON.stringify(item));
      expect(texts).toHaveLength(5);
      expect(texts[2]).toContain('from elsewhere');
      expect(texts[4]).toContain('all done');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('figures for Prometheus are on the probe port', async () => {
    const text = await (await fetch(`${service.probeUrl}/metrics`)).text();
    for (const figure of [
      'runs{state="queued"}',
      'demand',
      'slots{state="free"}',
      'claims_total',
      'run_duration_seconds',
    ]) {
      expect(text).toContain(`agent_service_${figure}`);
    }
  });
});
