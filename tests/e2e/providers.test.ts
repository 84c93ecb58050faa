import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type FakeProvider, startFakeProvider } from '../support/fake-provider.ts';
import { createProject } from '../support/project.ts';
import { runCli, type ServiceUnderTest, startService } from '../support/service.ts';
import { readEvents, textOf } from '../support/sse.ts';

let first: FakeProvider;
let second: FakeProvider;

beforeAll(async () => {
  [first, second] = await Promise.all([startFakeProvider(), startFakeProvider()]);
});
beforeEach(() => Promise.all([first.reset(), second.reset()]));
afterAll(() => Promise.all([first?.[Symbol.asyncDispose](), second?.[Symbol.asyncDispose]()]));

const fallback = () => ({
  FALLBACK_OPENAI_BASE_URL: second.baseUrl,
  FALLBACK_OPENAI_API_KEY: 'sk-second',
  FALLBACK_OPENAI_MODEL: 'small',
});
const down = { reply: { fault: { kind: 'reset' as const } } };
const steps = async (service: ServiceUnderTest, runId: unknown) =>
  (await service.get(`/api/v1/runs/${runId}/steps`)).body.data as Record<string, unknown>[];

describe('with a fallback in the environment', () => {
  test('a run is answered by it when the first provider does not, and says so in its steps, events and figures', async () => {
    await using service = await startService({ provider: first, env: fallback() });
    await first.script(down);
    await second.script('From the second.');
    const { status, body } = await service.post('/api/v1/run', { message: 'Hi' });
    expect([status, body.response]).toEqual([200, 'From the second.']);
    expect(await steps(service, body.run_id)).toMatchObject([{ provider: 'fallback', model: 'small' }]);
    const events = await readEvents(await fetch(`${service.url}/api/v1/runs/${body.run_id}/events`)).all();
    expect(events.find(({ event }) => event === 'provider.failed_over')?.data).toMatchObject({
      from: 'primary',
      to: 'fallback',
      reason: 'unreachable',
    });
    const asked = (await second.requests()).find(({ path }) => path === '/v1/chat/completions');
    expect(asked).toMatchObject({ body: { model: 'small' }, headers: { authorization: 'Bearer sk-second' } });
    const figures = await (await fetch(`${service.probeUrl}/metrics`)).text();
    expect(figures).toContain('agent_service_provider_failovers_total{from="primary",to="fallback"} 1');
    expect(figures).toContain('agent_service_provider_attempts_total{provider="fallback",outcome="answered"} 1');
    expect(
      service
        .logLines()
        .map((line) => JSON.stringify(line))
        .join(),
    ).not.toMatch(/sk-second|sk-test/);
  });

  test('a stream that breaks after its first words is withdrawn, and told anew by the other provider', async () => {
    await using service = await startService({ provider: first, env: fallback() });
    // The words are read before the connection is reset.
    await first.script({
      reply: {
        text: 'one two three',
        hold: { name: 'read', afterTokens: 2 },
        fault: { kind: 'reset', afterTokens: 2 },
      },
    });
    await second.script('From the second.');
    const events = readEvents(
      await fetch(`${service.url}/api/v1/run/stream`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ message: 'Hi' }),
      }),
    );
    expect((await events.until('text.delta')).data.delta).toMatch(/^one/);
    await first.release('read');
    const all = await events.all();
    const types = all.map(({ event }) => event).filter((type) => /text.reset|failed_over|completed/.test(type));
    expect(types).toEqual(['text.reset', 'provider.failed_over', 'run.completed']);
    expect(textOf(all)).toBe('From the second.');
  });
});

describe('with all providers down', () => {
  test('a run with a waiting caller is 503 with Retry-After, and /readyz says degraded', async () => {
    await using service = await startService({ provider: first });
    await first.down();
    try {
      const { status, body, headers } = await service.post('/api/v1/run', { message: 'Hi' });
      expect([status, body.code]).toEqual([503, 'provider_unavailable']);
      expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
      let readiness = await service.get('/readyz');
      while (readiness.body.status !== 'degraded') readiness = await service.get('/readyz');
      expect(readiness.status).toBe(200);
    } finally {
      await first.up();
    }
  });

  test('a run in the background waits in the queue, and goes on when a provider is back', async () => {
    await using service = await startService({ provider: first });
    await first.down();
    let up = false;
    try {
      const { body } = await service.post('/api/v1/runs', { message: 'Hi' });
      await service.logged(({ msg, runId }) => msg === 'run waits for a model provider' && runId === body.run_id);
      expect((await service.get(`/api/v1/runs/${body.run_id}`)).body).toMatchObject({ crashes: 0 });
      await first.up();
      up = true;
      await first.script('I am back.');
      const events = await readEvents(await fetch(`${service.url}/api/v1/runs/${body.run_id}/events`)).all();
      expect(events.at(-1)?.data.run).toMatchObject({ status: 'completed', response: 'I am back.', crashes: 0 });
    } finally {
      if (!up) await first.up();
    }
  });

  test('a run in the background waits for no longer than it may take', async () => {
    await using service = await startService({ provider: first });
    await first.down();
    try {
      const { body } = await service.post('/api/v1/runs', { message: 'Hi', timeout_s: 4 });
      const events = await readEvents(await fetch(`${service.url}/api/v1/runs/${body.run_id}/events`)).all();
      expect(events.at(-1)?.event).toBe('run.timed_out');
    } finally {
      await first.up();
    }
  });
});

describe('the providers option', () => {
  const app = 'tests/support/apps/providers.ts';
  const option = (more: object = {}) => ({ kind: 'compatible', name: 'second', baseUrl: second.baseUrl, ...more });

  test('gives an agent a provider of its own, with its own names for models', async () => {
    const providers = [option({ models: { 'gpt-4.1': 'big' }, for: { agents: ['Critic'] } }), 'environment'];
    await using service = await startService({ provider: first, app, env: { PROVIDERS: JSON.stringify(providers) } });
    await first.script('Written.');
    await second.script('Judged.');
    const judged = await service.post('/api/v1/run', { message: 'Hi', agent: 'critic' });
    expect(judged.body.response).toBe('Judged.');
    expect(await steps(service, judged.body.run_id)).toMatchObject([{ provider: 'second', model: 'big' }]);
    const written = await service.post('/api/v1/run', { message: 'Hi', agent: 'writer' });
    expect(written.body.response).toBe('Written.');
  });

  test('with mistakes is refused at the start: all of them at once, and no key', async () => {
    await using project = createProject({});
    const providers = [
      { kind: 'azure', name: 'Azure', apiKey: 'sk-very-secret', endpoint: 'https://x.openai.azure.com' },
      { kind: 'compatible', name: 'local', baseUrl: 'sk-very-secret', concurrency: 0, baseURL: 'x' },
      { kind: 'bedrock', name: 'b' },
      'fallback',
    ];
    const { code, stderr } = await runCli(['start', app], {
      ...project.env,
      APP_ENV: 'test',
      PROVIDERS: JSON.stringify(providers),
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^The providers option has mistakes:\n/);
    for (const place of [
      'providers[0].name',
      'providers[0].apiVersion',
      'providers[1].baseUrl',
      'providers[1].concurrency',
    ]) {
      expect(stderr).toContain(`  ${place}: expected `);
    }
    expect(stderr).toContain('openai, azure, compatible');
    expect(stderr).toContain('"baseURL"');
    expect(stderr).toContain('"fallback" needs FALLBACK_OPENAI_BASE_URL');
    expect(stderr).not.toContain('very-secret');
  });
});
