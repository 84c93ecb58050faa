import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type EngineUnderTest, engines } from '../support/engines.ts';
import { type FakeProvider, startFakeProvider } from '../support/fake-provider.ts';
import { type Holder, holderOf, keyedEnv, makeKey } from '../support/keys.ts';
import { runCli, type ServiceUnderTest, startService } from '../support/service.ts';
import { readEvents } from '../support/sse.ts';

/** In USD per million tokens: a call of the usage below costs 0.0014 USD. */
const prices = JSON.stringify({ 'gpt-4.1': { input: 2, output: 8 } });
/** What each call takes unless a test says otherwise. */
const usage = { inputTokens: 300, outputTokens: 100 };
const answer = { reply: { text: 'It left today.', usage } };

type Limit = { scope: string; unit: string; period: string; limit: number; used: number; reserved: number };

const limitsOf = async (holder: Holder): Promise<Limit[]> => (await holder.get('/api/v1/budgets')).body.data as Limit[];

/** An agent without tools, so that its requests are small. */
const ask = (holder: Holder, message = 'Where is it?', headers?: Record<string, string>) =>
  holder.post('/api/v1/run', { message, agent: 'guarded' }, headers);

describe.each(engines)('budgets on $name', ({ open }) => {
  let engine: EngineUnderTest;
  let provider: FakeProvider;
  let service: ServiceUnderTest;
  let operator: Holder;
  let tenants = 0;

  beforeAll(async () => {
    [engine, provider] = await Promise.all([open(), startFakeProvider()]);
    service = await startService({ provider, env: { ...keyedEnv, ...engine.env, MODEL_PRICES: prices } });
    operator = holderOf(service);
  });
  beforeEach(async () => {
    await provider.reset();
    await provider.script(answer);
  });
  afterAll(async () => {
    await service?.[Symbol.asyncDispose]();
    await provider?.[Symbol.asyncDispose]();
    await engine?.[Symbol.asyncDispose]();
  });

  /** A new tenant with budgets of its own, and a key of it. */
  async function tenantWith(budgets: Record<string, number>, key: Record<string, number> = {}) {
    tenants += 1;
    const tenant = `tenant-${tenants}`;
    const set = await operator.request(`/api/v1/budgets/${tenant}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(budgets),
    });
    expect(set.status).toBe(204);
    return { tenant, ...(await makeKey(service, { tenant, ...key })) };
  }

  test('fifty runs at once take no more than the budget, and the rest are refused before they cost anything', async () => {
    const { holder } = await tenantWith({ tokens_day: 10_000 });
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask(holder)));
    const done = answers.filter(({ status }) => status === 200);
    const refused = answers.filter(({ status }) => status === 429);
    expect([done.length, refused.length]).toEqual([25, 25]);
    const asked = await provider.requests();
    expect(asked.filter(({ path }) => path === '/v1/responses')).toHaveLength(25);
    for (const { body, headers } of refused) {
      expect(body).toMatchObject({ code: 'budget_exceeded', detail: expect.stringContaining('10000 tokens a day') });
      expect(headers.get('x-should-retry')).toBe('false');
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    }
    expect(await limitsOf(holder)).toMatchObject([{ unit: 'tokens', limit: 10_000, used: 10_000, reserved: 0 }]);
  });

  test('a run beyond a budget is not even made, and says until when', async () => {
    const { holder } = await tenantWith({ tokens_month: 400 });
    expect((await ask(holder)).status).toBe(200);
    const { status, body, headers } = await ask(holder);
    expect([status, body.code, body.run_id]).toEqual([429, 'budget_exceeded', undefined]);
    const now = new Date();
    const leftS = (Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1) - now.getTime()) / 1000;
    expect(Math.abs(Number(headers.get('retry-after')) - leftS)).toBeLessThan(120);
    expect((await holder.get('/api/v1/runs')).body.data).toHaveLength(1);
    expect((await holder.post('/api/v1/runs', { message: 'Later?' })).status).toBe(429);
    const stream = await holder.stream({ message: 'Now?' });
    expect(stream.status).toBe(429);
    await stream.body?.cancel();
  });

  test('a budget of money is kept by the prices of models, and fails closed where there is none', async () => {
    const { holder } = await tenantWith({ usd_day: 0.005 });
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask(holder)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(3); // of 0.0014 USD each
    const [limit] = await limitsOf(holder);
    expect(limit).toMatchObject({ unit: 'usd', limit: 0.005, reserved: 0 });
    expect(limit?.used).toBeCloseTo(0.0042, 12);
    await using unpriced = await startService({ provider, env: { RUN_BUDGET_USD: '1' } });
    const { status, body } = await unpriced.post('/api/v1/run', { message: 'Hi' });
    expect([status, body.code]).toEqual([429, 'budget_exceeded']);
    expect(body.detail).toContain('MODEL_PRICES');
  });

  test('a run is stopped between its steps once the budget is used up', async () => {
    const { holder } = await tenantWith({ tokens_day: 3_000 });
    const lookUp = { name: 'lookup_order', arguments: { order_id: '1' } };
    await provider.reset();
    await provider.script({
      turns: [{ toolCalls: [lookUp], usage: { inputTokens: 2_500, outputTokens: 400 } }, 'It left today.'],
    });
    const { status, body } = await holder.post('/api/v1/run', { message: 'Where is it?', agent: 'orders' });
    expect([status, body.code]).toEqual([429, 'budget_exceeded']);
    expect((await provider.requests()).filter(({ path }) => path === '/v1/responses')).toHaveLength(1);
    const run = (await holder.get(`/api/v1/runs/${body.run_id}`)).body;
    expect(run).toMatchObject({ status: 'failed', error: { code: 'budget_exceeded', retryable: false } });
    const { data } = (await holder.get(`/api/v1/runs/${body.run_id}/steps`)).body as { data: { kind: string }[] };
    expect(data.map(({ kind }) => kind)).toEqual(['model_call', 'tool_call']); // what was done is kept
  });

  test('from four fifths on callers are warned by a header, and runs by an event', async () => {
    const { holder } = await tenantWith({ tokens_day: 1_000 });
    const first = await ask(holder);
    expect(first.headers.get('budget-warning')).toBeNull();
    await provider.reset();
    await provider.script({ reply: { text: 'Yes.', usage: { inputTokens: 300, outputTokens: 101 } } });
    const { body } = await ask(holder);
    const events = await holder.get(`/api/v1/runs/${body.run_id}/events`, { accept: 'application/json' });
    const told = (events.body.data as { type: string }[]).filter(({ type }) => type === 'budget.warning');
    expect(told).toMatchObject([{ scope: 'tenant', unit: 'tokens', period: 'day', used: 801, limit: 1_000 }]);
    const stream = await holder.stream({ message: 'And now?', agent: 'guarded' });
    expect(stream.headers.get('budget-warning')).toBe('"tenant-tokens-day";u=801;l=1000');
    const types = (await readEvents(stream).all()).map(({ event }) => event);
    expect(types.at(-1)).toBe('run.failed'); // the room that is left is not enough for an answer
  });

  test('the budget of a key is its own, beside that of its tenant', async () => {
    const { tenant, holder } = await tenantWith({ tokens_day: 100_000 }, { budget_tokens_day: 400 });
    const other = await makeKey(service, { tenant });
    expect((await ask(holder)).status).toBe(200);
    expect((await ask(holder)).body).toMatchObject({ code: 'budget_exceeded', detail: expect.stringContaining('key') });
    expect((await ask(other.holder)).status).toBe(200);
    expect(await limitsOf(holder)).toMatchObject([
      { scope: 'tenant', used: 800 },
      { scope: 'key', period: 'day', limit: 400, used: 400 },
    ]);
  });

  test('a run in the background is paid from the budget of the key that made it', async () => {
    const { holder } = await tenantWith({}, { budget_tokens_day: 5_000 });
    const { body } = await holder.post('/api/v1/runs', { message: 'Where is it?', agent: 'guarded' });
    await readEvents(await fetch(`${service.url}/api/v1/runs/${body.run_id}/events`, holder)).all();
    expect(await limitsOf(holder)).toMatchObject([{ scope: 'key', used: 400, reserved: 0 }]);
  });

  test('a call that fails is not paid for, and one that breaks off is paid for as far as it came', async () => {
    const { holder } = await tenantWith({ tokens_day: 100_000 });
    await provider.reset();
    await provider.script({ reply: { error: { status: 400 } } });
    expect((await ask(holder)).status).toBe(502);
    expect(await limitsOf(holder)).toMatchObject([{ used: 0, reserved: 0 }]);
    await provider.reset();
    await provider.script({ reply: { text: 'one two three four', hold: { name: 'half', afterTokens: 3 } } });
    const stream = await holder.stream({ message: 'Count.', agent: 'guarded' });
    const events = readEvents(stream);
    const created = await events.until('run.created');
    await provider.held('half');
    await events.until('text.delta');
    await holder.post(`/api/v1/runs/${created.data.run_id}/cancel`, {});
    await events.until('run.cancelled');
    let limit: Limit | undefined;
    do [limit] = await limitsOf(holder);
    while (limit?.reserved !== 0);
    expect(limit.used).toBeGreaterThan(10);
    expect(limit.used).toBeLessThan(1_000);
  });

  test('a server that does not say what a call took is believed nothing: it is estimated', async () => {
    const { holder } = await tenantWith({ tokens_day: 100_000, usd_day: 1 });
    await provider.reset();
    await provider.script({ reply: { text: 'It left today.', usage: null } });
    expect((await ask(holder)).status).toBe(200);
    const used = Object.fromEntries((await limitsOf(holder)).map((limit) => [limit.unit, limit.used]));
    expect(used.tokens).toBeGreaterThan(10);
    expect(used.usd).toBeGreaterThan(0.000_02);
  });

  test('who asks again for a run that there is gets it, whatever is left', async () => {
    const { holder } = await tenantWith({ tokens_day: 400 });
    const key = { 'idempotency-key': 'once' };
    const first = await ask(holder, 'Hi', key);
    expect(first.status).toBe(200);
    expect((await ask(holder, 'Another')).status).toBe(429);
    const again = await ask(holder, 'Hi', key);
    expect([again.status, again.body.run_id]).toEqual([200, first.body.run_id]);
  });

  test('a tenant’s admin sees its budgets, and may not change them, nor see those of others', async () => {
    const { tenant, holder } = await tenantWith({ tokens_day: 400 });
    const put = (path: string) =>
      holder.request(path, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: '{}' });
    expect((await put(`/api/v1/budgets/${tenant}`)).status).toBe(403);
    expect((await put('/api/v1/budgets/another')).status).toBe(404);
    expect((await holder.get('/api/v1/budgets?tenant=another')).status).toBe(404);
    const seen = await operator.get(`/api/v1/budgets?tenant=${tenant}`);
    expect(seen.body).toMatchObject({ tenant, data: [{ scope: 'tenant', limit: 400, used: 0 }] });
  });

  test('budgets are given and shown on the command line, beside a live service that keeps to them within seconds', async () => {
    const { tenant, holder } = await tenantWith({});
    const env = { DATA_DIR: service.dataDir, ...engine.env };
    expect((await ask(holder)).status).toBe(200);
    const set = await runCli(['budgets', 'set', '--tenant', tenant, '--tokens-day', '1', '--usd-month', '2.5'], env);
    expect(set).toMatchObject({ code: 0, stdout: expect.stringContaining(`budgets of ${tenant} are set`) });
    await provider.reset();
    await provider.script({ reply: { text: 'Yes.', usage: { inputTokens: 1, outputTokens: 0 } } });
    while ((await ask(holder)).body.code !== 'budget_exceeded');
    const listed = await runCli(['budgets', 'list'], env);
    expect(listed.stdout).toMatch(new RegExp(`^${tenant} +tokens a day +1 +0 +0 % +0 +20\\d\\d-`, 'm'));
    const json = await runCli(['budgets', 'list', '--tenant', tenant, '--json'], env);
    expect(JSON.parse(json.stdout)).toMatchObject([
      { tenant, data: [{ unit: 'tokens' }, { unit: 'usd', limit: 2.5 }] },
    ]);
    const wrong = await runCli(['budgets', 'set', '--tenant', tenant, '--tokens-day', '0.5'], env);
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('--tokens-day:') });
  });

  test('what a killed process had reserved is given back, and its run is paid for once', async () => {
    await using own = await open();
    const dataDir = mkdtempSync(join(tmpdir(), 'agent-service-budgets-'));
    try {
      const env = { ...keyedEnv, ...own.env, RUN_LEASE: '2', TENANT_BUDGET_TOKENS_DAY: '100000' };
      await provider.reset();
      await provider.script({ reply: { text: 'It left', usage, hold: 'first' }, times: 1 }, answer);
      await using victim = await startService({ provider, env, dataDir });
      const { body } = await holderOf(victim).post('/api/v1/runs', { message: 'Where is it?', agent: 'guarded' });
      await provider.held('first');
      expect((await limitsOf(holderOf(victim)))[0]?.reserved).toBeGreaterThan(0);
      victim.kill('SIGKILL');
      await victim.exited;
      await using next = await startService({ provider, env, dataDir });
      const holder = holderOf(next);
      await readEvents(await fetch(`${next.url}/api/v1/runs/${body.run_id}/events`, holder)).until('run.completed');
      let limit: Limit | undefined;
      do [limit] = await limitsOf(holder);
      while (limit?.reserved !== 0);
      expect(limit).toMatchObject({ used: 400, limit: 100_000 });
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  });
});
