import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { countTokens, type FakeProvider, startFakeProvider } from '../support/fake-provider.ts';
import { type ServiceUnderTest, startService } from '../support/service.ts';

let provider: FakeProvider;
let service: ServiceUnderTest;

beforeAll(async () => {
  provider = await startFakeProvider();
  service = await startService({ provider });
});
beforeEach(() => provider.reset());
afterAll(async () => {
  await service?.[Symbol.asyncDispose]();
  await provider?.[Symbol.asyncDispose]();
});

const run = (body: Record<string, unknown>, headers?: Record<string, string>) =>
  service.post('/api/v1/run', body, headers);

describe('an answer', () => {
  test('comes with the response, the session and the tokens', async () => {
    await provider.script('It left today.');
    const { status, body } = await run({ message: 'Where is my order?', metadata: { channel: 'web' } });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      status: 'completed',
      response: 'It left today.',
      session_id: null,
      agent: 'triage',
      last_agent: 'triage',
      model: 'gpt-4.1',
      simulated: false,
      metadata: { channel: 'web' },
      attempt: 1,
      error: null,
    });
    expect(body.run_id).toMatch(/^run_[0-9a-z]{26}$/);
    expect(body.tokens_used).toBeGreaterThan(countTokens('It left today.'));
  });

  test('counts the tokens of handoffs, agents used as tools and runs inside tools', async () => {
    await provider.script({
      when: { agentInstructionsContain: 'triage' },
      turns: [
        {
          toolCalls: [
            { name: 'ask_researcher', arguments: { question: 'one' } },
            { name: 'research', arguments: { input: 'two' } },
          ],
        },
        { handoffTo: 'orders' },
      ],
    });
    await provider.script({ when: { agentInstructionsContain: 'orders' }, reply: 'Done.' });
    await provider.script({ when: { agentInstructionsContain: 'researcher' }, reply: 'I found it.' });
    const { status, body } = await run({ message: 'Go' });
    expect(status).toBe(200);
    const { requests } = await provider.stats();
    const usage = body.usage as Record<string, number>;
    expect(requests).toBe(5);
    expect(usage.requests).toBe(5);
    expect(body).toMatchObject({ response: 'Done.', last_agent: 'orders', tokens_used: usage.total_tokens });
  });

  test('can be had from a chosen agent, with structured output as a value', async () => {
    await provider.script({ json: { city: 'Oslo' } });
    const { body } = await run({ message: 'Where?', agent: 'typed' });
    expect(body).toMatchObject({ agent: 'typed', response: '{"city":"Oslo"}', output: { city: 'Oslo' } });
  });

  test('is kept: the run can be read and listed afterwards', async () => {
    await provider.script('Kept.');
    const { body } = await run({ message: 'Keep this' });
    expect((await service.get(`/api/v1/runs/${body.run_id}`)).body).toEqual({ ...body, context: null });
    const { body: page } = await service.get('/api/v1/runs?limit=1&status=completed&agent=triage');
    expect((page.data as unknown[])[0]).toEqual(body);
    expect(page.next_cursor).toEqual(expect.any(String));
  });

  test('leaves one line in the log, without the message', async () => {
    await provider.script('Quiet words.');
    const { body } = await run({ message: 'a secret question' }, { 'x-request-id': 'trace-77' });
    const line = await service.logged(({ msg, runId }) => msg === 'run ended' && runId === body.run_id);
    expect(line).toMatchObject({
      agent: 'triage',
      status: 'completed',
      tokens: body.tokens_used,
      requestId: 'trace-77',
    });
    expect(JSON.stringify(service.logLines())).not.toMatch(/secret question|Quiet words/);
  });

  test('carries the caller’s request id, or a new one', async () => {
    expect((await run({ message: 'Hi' }, { 'x-request-id': 'abc-1' })).headers.get('x-request-id')).toBe('abc-1');
    expect((await run({ message: 'Hi' })).headers.get('x-request-id')).toMatch(/^req_/);
    const forged = await run({ message: 'Hi' }, { 'x-request-id': 'a b"c' });
    expect(forged.headers.get('x-request-id')).toMatch(/^req_/);
  });
});

describe('a run that needs approval', () => {
  test('pauses and says what for', async () => {
    await provider.script({ toolCalls: [{ name: 'refund', arguments: { order_id: '7' } }] });
    const { status, body } = await run({ message: 'Refund order 7', session_id: 'pausing' });
    expect(status).toBe(202);
    expect(body).toMatchObject({
      status: 'requires_action',
      response: null,
      required_action: { type: 'approval', items: [{ tool: 'refund', arguments: { order_id: '7' }, agent: 'triage' }] },
    });
    const next = await run({ message: 'And?', session_id: 'pausing' });
    expect(next.status).toBe(409);
    expect(next.body).toMatchObject({ code: 'session_busy', active_run_id: body.run_id });
  });
});

describe('a failure', () => {
  test('in a tool is 500 with the name of the error; its cause is in the log alone', async () => {
    await provider.script({ toolCalls: [{ name: 'break_down' }] });
    const { status, body, headers, text } = await run({ message: 'Break' });
    expect(status).toBe(500);
    expect(headers.get('content-type')).toContain('application/problem+json');
    expect(body).toMatchObject({ code: 'agent_error', detail: 'Agent error: OrderMissing', title: 'Agent error' });
    expect(text).not.toContain('4711');
    const line = await service.logged(({ msg, runId }) => msg === 'run ended' && runId === body.run_id);
    expect(JSON.stringify(line)).toContain('4711');
    expect((await service.get(`/api/v1/runs/${body.run_id}`)).body).toMatchObject({ status: 'failed' });
  });

  test('by a guardrail is 422, and the model was not asked', async () => {
    const { status, body } = await run({ message: 'my card is 1', agent: 'guarded' });
    expect(status).toBe(422);
    expect(body).toMatchObject({ code: 'guardrail_tripped', detail: 'The guardrail "no-cards" stopped the run.' });
    expect((await provider.stats()).requests).toBe(0);
  });

  test('by too many turns is 422', async () => {
    await provider.script({
      turns: Array.from({ length: 20 }, (_, turn) => ({
        toolCalls: [{ name: 'lookup_order', arguments: { order_id: `${turn}` } }],
      })),
    });
    const { status, body } = await run({ message: 'Loop' });
    expect([status, body.code]).toEqual([422, 'max_turns_exceeded']);
  });

  test('by a refusal of the model is 422', async () => {
    await provider.script({ refusal: 'I cannot help with that.' });
    const { status, body } = await run({ message: 'Bad', agent: 'typed' });
    expect([status, body.code]).toEqual([422, 'model_refused']);
  });

  test.each([
    ['a server error', { error: { status: 500 } }, 503, 'provider_unavailable'],
    ['our key being refused', { error: { status: 401 } }, 502, 'provider_error'],
    ['an answer cut off', { text: 'one two', fault: { kind: 'truncate', afterTokens: 1 } }, 502, 'provider_error'],
  ] as const)('of the provider (%s) is reported as the provider’s', async (_, reply, status, code) => {
    await using own = await startService({ provider }); // what it learns of the provider is not to bother the others
    await provider.script({ reply: reply as never });
    const { status: got, body, headers, text } = await own.post('/api/v1/run', { message: 'Hi' });
    expect([got, body.code]).toEqual([status, code]);
    expect(body.run_id).toMatch(/^run_/);
    expect(text).not.toContain('sk-test');
    if (status === 503) expect(headers.get('retry-after')).toBe(`${body.retry_after}`);
    const asked = (await provider.requests()).filter(({ path }) => path === '/v1/responses');
    expect(asked.length).toBeLessThanOrEqual(3);
  });

  test('by a conversation that is too long is 400', async () => {
    await provider.script({ error: { status: 400, code: 'context_length_exceeded' } });
    const { status, body } = await run({ message: 'Hi' });
    expect([status, body.code]).toEqual([400, 'context_length_exceeded']);
  });

  test('by the time being over is 504, and the request to the provider is really ended', async () => {
    await provider.script({ fault: { kind: 'hang' } });
    const { status, body } = await run({ message: 'Hi', timeout_s: 0.3 });
    expect(status).toBe(504);
    expect(body).toMatchObject({ code: 'run_timed_out', detail: 'Agent run timed out.' });
    await provider.waitFor(({ stats }) => stats.aborted === 1);
    expect((await service.get(`/api/v1/runs/${body.run_id}`)).body).toMatchObject({ status: 'timed_out' });
  });
});

describe('Chat Completions', () => {
  test('serves the same run through the other API', async () => {
    await using chat = await startService({ provider, env: { OPENAI_API: 'chat_completions' } });
    await provider.script({
      turns: [{ toolCalls: [{ name: 'lookup_order', arguments: { order_id: '1' } }] }, 'It shipped.'],
    });
    const { status, body } = await chat.post('/api/v1/run', { message: 'Where is order 1?' });
    expect([status, body.response]).toEqual([200, 'It shipped.']);
    expect(new Set((await provider.requests()).map(({ path }) => path))).toEqual(
      new Set(['/v1/chat/completions', '/v1/models']),
    );
  });
});

test('the agents can be listed, with their tools and handoffs', async () => {
  const { body } = await service.get('/api/v1/agents');
  const triage = (body.data as Record<string, unknown>[]).find(({ name }) => name === 'triage');
  expect(triage).toMatchObject({ entry: true, model: 'gpt-4.1', handoffs: ['orders'] });
  expect(triage?.tools).toContainEqual({
    name: 'refund',
    description: 'Pays back.',
    needs_approval: true,
    effect: 'idempotent',
    effect_declared: false,
  });
});
