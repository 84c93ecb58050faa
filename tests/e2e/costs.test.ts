import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type EngineUnderTest, engines } from '../support/engines.ts';
import { type FakeProvider, startFakeProvider } from '../support/fake-provider.ts';
import { type ServiceUnderTest, startService } from '../support/service.ts';

const prices = {
  'gpt-4.1': { input: 2, cached_input: 0.5, output: 8, output_tokens_max: 32_768 },
  'fallback/second-model': { input: 10, output: 20 },
};
const usage = { inputTokens: 1_000, cachedInputTokens: 400, outputTokens: 100 };
const costOfCall = 0.0022;

type Step = { kind: string; model: string | null; provider: string | null; cost_usd: number | null };

describe.each(engines)('what runs cost on $name', ({ open }) => {
  let engine: EngineUnderTest;
  let provider: FakeProvider;
  let second: FakeProvider;
  let service: ServiceUnderTest;

  beforeAll(async () => {
    [engine, provider, second] = await Promise.all([open(), startFakeProvider(), startFakeProvider()]);
    const fallback = { FALLBACK_OPENAI_BASE_URL: second.baseUrl, FALLBACK_OPENAI_MODEL: 'second-model' };
    service = await startService({
      provider,
      env: { ...engine.env, ...fallback, MODEL_PRICES: JSON.stringify(prices) },
    });
  });
  beforeEach(() => Promise.all([provider.reset(), second.reset()]));
  afterAll(async () => {
    await service?.[Symbol.asyncDispose]();
    await provider?.[Symbol.asyncDispose]();
    await second?.[Symbol.asyncDispose]();
    await engine?.[Symbol.asyncDispose]();
  });

  const stepsOf = async (runId: unknown) =>
    ((await service.get(`/api/v1/runs/${runId}/steps`)).body.data as Step[]).map(
      ({ kind, provider, model, cost_usd }) => ({
        kind,
        provider,
        model,
        cost_usd,
      }),
    );

  test('is reported for each model call, for the run and for the session, and counted for the operator', async () => {
    const lookUp = { name: 'lookup_order', arguments: { order_id: '1' } };
    await provider.script({
      turns: [
        { toolCalls: [lookUp], usage },
        { text: 'It left today.', usage },
      ],
    });
    const run = { message: 'Where is it?', agent: 'orders', session_id: 's-cost' };
    const { body } = await service.post('/api/v1/run', run);
    expect(body.cost_usd).toBeCloseTo(2 * costOfCall, 12);
    const call = { kind: 'model_call', provider: 'primary', model: 'gpt-4.1', cost_usd: costOfCall };
    const tool = { kind: 'tool_call', provider: null, model: null, cost_usd: null };
    expect(await stepsOf(body.run_id)).toEqual([call, tool, call]);
    const again = await service.post('/api/v1/run', run);
    expect(again.status).toBe(200);
    expect((await service.get('/api/v1/sessions/s-cost')).body.cost_usd).toBeCloseTo(4 * costOfCall, 12);
    const events = await service.get(`/api/v1/runs/${body.run_id}/events`, { accept: 'application/json' });
    expect((events.body.data as { run?: { cost_usd: number } }[]).at(-1)?.run?.cost_usd).toBe(body.cost_usd);
    const metrics = await (await fetch(`${service.probeUrl}/metrics`)).text();
    expect(metrics).toMatch(/^agent_service_cost_usd_total\{provider="primary",model="gpt-4.1"\} 0\.0088/m);
  });

  test('is not known where the provider does not say what a call took', async () => {
    await provider.script({ reply: { text: 'It left today.', usage: null } });
    const { body } = await service.post('/api/v1/run', { message: 'Hi', agent: 'guarded' });
    expect([body.status, body.cost_usd]).toEqual(['completed', null]);
  });

  test('is never below zero, and fails no run, where a server says that it had kept more than it was given', async () => {
    await provider.script({
      reply: { text: 'Hi.', usage: { inputTokens: 100, cachedInputTokens: 5_000, outputTokens: 1 } },
    });
    const { body } = await service.post('/api/v1/run', { message: 'Hi', agent: 'guarded' });
    expect(body).toMatchObject({ status: 'completed', cost_usd: 0.000_058 });
  });

  test('is by the price of who answered', async () => {
    await provider.script({ reply: { error: { status: 500 } } });
    await second.script({ reply: { text: 'Here I am.', usage } });
    const { body } = await service.post('/api/v1/run', { message: 'Hi', agent: 'guarded' });
    expect(body.cost_usd).toBeCloseTo(0.012, 12);
    expect(await stepsOf(body.run_id)).toMatchObject([
      { kind: 'guardrail' },
      { provider: 'fallback', model: 'second-model', cost_usd: 0.012 },
    ]);
  });
});

test('a model whose price is not known has none, which is not zero', async () => {
  await using provider = await startFakeProvider();
  await using service = await startService({ provider });
  const { body } = await service.post('/api/v1/run', { message: 'Hi', session_id: 's-1' });
  expect([body.status, body.cost_usd]).toEqual(['completed', null]);
  expect((await service.get('/api/v1/sessions/s-1')).body.cost_usd).toBeNull();
});

test('the simulated model has no price, whatever is said of the name that it answers to', async () => {
  await using service = await startService({ env: { MODEL_PRICES: JSON.stringify(prices) } });
  const { body } = await service.post('/api/v1/run', { message: 'Hi', agent: 'guarded' });
  expect([body.simulated, body.cost_usd]).toEqual([true, null]);
});
