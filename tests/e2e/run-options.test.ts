import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type EngineUnderTest, engines } from '../support/engines.ts';
import { type FakeProvider, startFakeProvider } from '../support/fake-provider.ts';
import { createProject } from '../support/project.ts';
import { runCli, type ServiceUnderTest, startService } from '../support/service.ts';
import { readEvents } from '../support/sse.ts';

const app = 'tests/support/apps/run-options.ts';
const look = { toolCalls: [{ name: 'look', arguments: {} }] };
const endless = { turns: Array(9).fill(look) };

describe.each(engines)('options of runs on $name', ({ open }) => {
  let engine: EngineUnderTest;
  let provider: FakeProvider;
  let service: ServiceUnderTest;
  const env = () => ({ ...engine.env, RUN_LEASE: '2', CONTINUE_WITH: 'last_agent' });

  beforeAll(async () => {
    [engine, provider] = await Promise.all([open(), startFakeProvider()]);
    service = await startService({ app, provider, env: env() });
  });
  beforeEach(() => provider.reset());
  afterAll(async () => {
    await service?.[Symbol.asyncDispose]();
    await provider?.[Symbol.asyncDispose]();
    await engine?.[Symbol.asyncDispose]();
  });

  const run = (body: Record<string, unknown>) => service.post('/api/v1/run', { message: 'Hi', ...body });
  /** The model calls that the provider received; a readiness check has no body. */
  const sent = async () =>
    (await provider.requests()).flatMap(({ body }) => (body ? [body as Record<string, unknown>] : []));
  const readRun = async (runId: unknown) => (await service.get(`/api/v1/runs/${runId}`)).body;

  /** Kills the service while a model answers the run, and has a new one carry the run out to its end. */
  async function crashWhileHeld(name: string, runId: unknown): Promise<Record<string, unknown>> {
    await provider.held(name);
    service.kill('SIGKILL');
    await service.exited;
    const { dataDir } = service;
    service = await startService({ app, provider, env: env(), ...(dataDir ? { dataDir } : {}) });
    await provider.release(name);
    await readEvents(await fetch(`${service.url}/api/v1/runs/${runId}/events`)).all();
    return readRun(runId);
  }

  test('the options of the runner act on each run', async () => {
    await provider.script('Done.');
    expect((await run({})).status).toBe(200);
    expect(await sent()).toMatchObject([{ temperature: 0.3, model: 'gpt-own' }]);
    const refused = await run({ message: 'a secret' });
    expect([refused.status, refused.body.code]).toEqual([422, 'guardrail_tripped']);
    await service.logged(({ msg }) => msg === 'Triage starts');
  });

  test('runner.maxTurns takes the place of MAX_TURNS, and max_turns may be less', async () => {
    await provider.script(endless);
    expect((await run({})).body).toMatchObject({ detail: 'The run did not finish within 4 turns.' });
    const asked = await run({ max_turns: 2 });
    expect(asked.body).toMatchObject({
      code: 'max_turns_exceeded',
      detail: 'The run did not finish within 2 turns.',
    });
    expect(await readRun(asked.body.run_id)).toMatchObject({ max_turns: 2, model_requested: null });
  });

  test.each([5, 0, 1.5, '2'])('max_turns %j is refused, with the limit', async (max_turns) => {
    const { status, body } = await run({ max_turns });
    expect([status, body.code]).toEqual([422, 'validation_failed']);
    expect(body.errors).toMatchObject([{ path: 'max_turns' }]);
    if (max_turns === 5) expect(JSON.stringify(body.errors)).toContain('4');
  });

  test('a model that the agent allows is asked, and shown', async () => {
    await provider.script('Small.');
    const { body } = await run({ model: 'gpt-small' });
    expect(body).toMatchObject({ response: 'Small.', model_requested: 'gpt-small', max_turns: null });
    expect(body.model).toMatch(/^gpt-small/);
    expect(await sent()).toMatchObject([{ model: 'gpt-small' }]);
    const { body: agents } = await service.get('/api/v1/agents');
    expect(agents.data).toMatchObject([
      { name: 'triage', model: 'gpt-own', models: ['gpt-small', 'gpt-large'] },
      { name: 'Seat', models: [] },
      { name: 'Desk' },
      { name: 'Desk' },
    ]);
  });

  test('the options are a part of what an idempotency key stands for', async () => {
    await provider.script('Once.');
    const key = { 'idempotency-key': 'options' };
    const asked = { message: 'Hi', max_turns: 3, model: 'gpt-small' };
    const first = await service.post('/api/v1/run', asked, key);
    expect((await service.post('/api/v1/run', asked, key)).body).toEqual(first.body);
    for (const other of [{ max_turns: 2 }, { model: 'gpt-large' }]) {
      const { status, body } = await service.post('/api/v1/run', { ...asked, ...other }, key);
      expect([status, body.code]).toEqual([422, 'idempotency_key_reused']);
    }
  });

  test('a model that the agent does not allow is refused, with those that it does', async () => {
    const other = await run({ model: 'gpt-other' });
    expect([other.status, other.body.code]).toEqual([422, 'validation_failed']);
    expect(other.body.detail).toBe('model must be one of gpt-small, gpt-large for the agent "triage".');
    const none = await run({ model: 'gpt-small', agent: 'Seat' });
    expect(none.body.detail).toBe('model cannot be chosen for the agent "Seat".');
  });

  test('the options of a request hold after a crash too', async () => {
    await provider.script({ when: { turn: 1 }, reply: { ...look, hold: 'crash' }, times: 1 });
    await provider.script(endless);
    const { body } = await service.post('/api/v1/runs', { message: 'Hi', max_turns: 3, model: 'gpt-large' });
    const after = await crashWhileHeld('crash', body.run_id);
    expect(after).toMatchObject({
      status: 'failed',
      error: { code: 'max_turns_exceeded', detail: 'The run did not finish within 3 turns.' },
      crashes: 1,
      max_turns: 3,
      model_requested: 'gpt-large',
      drift: false,
    });
    const models = (await sent()).map(({ model }) => model);
    expect(models).toEqual(Array(4).fill('gpt-large')); // one of the calls was cut off
  });

  test('a session goes on with the agent that spoke last, and agent takes the name of each agent', async () => {
    await provider.script({ when: { lastUserContains: 'seat', turn: 1 }, reply: { handoffTo: 'Seat' } });
    await provider.script({ when: { lastUserContains: 'seat' }, reply: 'Seat speaks.' });
    const first = await run({ session_id: 's-1', message: 'a seat, please' });
    expect(first.body).toMatchObject({ agent: 'triage', last_agent: 'Seat' });
    await provider.script('Seat again.');
    const second = await run({ session_id: 's-1', message: 'and now?' });
    expect(second.body).toMatchObject({ agent: 'Seat', last_agent: 'Seat' });
    expect(await readRun(second.body.run_id)).toMatchObject({ agent: 'Seat' });
    const events = await readEvents(await fetch(`${service.url}/api/v1/runs/${second.body.run_id}/events`)).all();
    expect(events.map(({ data }) => data)).toContainEqual(
      expect.objectContaining({ type: 'run.started', agent: 'Seat' }),
    );
    expect((await sent()).at(-1)).toMatchObject({ instructions: 'I am Seat.' });
    expect((await run({ session_id: 's-1', agent: 'triage' })).body).toMatchObject({ agent: 'triage' });
    expect((await run({ agent: 'Seat' })).body).toMatchObject({ agent: 'Seat', last_agent: 'Seat' });
    expect((await run({})).body).toMatchObject({ agent: 'triage' }); // without a session
    const ambiguous = await run({ agent: 'Desk' });
    expect([ambiguous.status, ambiguous.body.detail]).toEqual([
      422,
      'agent is the name of several agents; it must be one of triage, Seat.',
    ]);
  });

  test('a run that waits for its session goes on with the agent that the run before it ends with', async () => {
    await provider.script({ when: { lastUserContains: 'seat', turn: 1 }, reply: { handoffTo: 'Seat', hold: 'first' } });
    await provider.script({ when: { lastUserContains: 'seat' }, reply: 'Seat speaks.' });
    await provider.script({ when: { lastUserContains: 'now' }, reply: 'Here I am.' });
    const first = run({ session_id: 's-2', message: 'a seat, please' });
    await provider.held('first');
    const { body } = await service.post('/api/v1/runs', { session_id: 's-2', message: 'and now?' });
    expect(body).toMatchObject({ status: 'queued', agent: 'triage' });
    await provider.release('first');
    expect((await first).body).toMatchObject({ last_agent: 'Seat' });
    await readEvents(await fetch(`${service.url}/api/v1/runs/${body.run_id}/events`)).all();
    expect(await readRun(body.run_id)).toMatchObject({ status: 'completed', agent: 'Seat', last_agent: 'Seat' });
  });

  test('a run of an agent that only a handoff reaches is recovered after a crash', async () => {
    await provider.script({ text: 'Seat speaks.', hold: 'seat crash' });
    await provider.script('Seat speaks.');
    const { body } = await service.post('/api/v1/runs', { message: 'Hi', agent: 'Seat' });
    const after = await crashWhileHeld('seat crash', body.run_id);
    expect(after).toMatchObject({ status: 'completed', agent: 'Seat', response: 'Seat speaks.', crashes: 1 });
  });
});

test('a session whose last agent is gone goes on with the entry agent, and the log says so', async () => {
  await using provider = await startFakeProvider();
  await provider.script({ when: { lastUserContains: 'seat', turn: 1 }, reply: { handoffTo: 'Seat' } });
  await using before = await startService({ app, provider, env: { CONTINUE_WITH: 'last_agent' } });
  const first = await before.post('/api/v1/run', { session_id: 's-1', message: 'a seat, please' });
  expect(first.body).toMatchObject({ last_agent: 'Seat' });
  before.kill('SIGTERM');
  await before.exited;
  const env = { CONTINUE_WITH: 'last_agent', WITHOUT_SEAT: '1' };
  await using service = await startService({ app, provider, env, dataDir: before.dataDir });
  const second = await service.post('/api/v1/run', { session_id: 's-1', message: 'and now?' });
  expect(second.body).toMatchObject({ status: 'completed', agent: 'triage' });
  const line = await service.logged(({ msg }) => msg?.startsWith('the last agent of the session is gone') === true);
  expect(line).toMatchObject({ level: 'warn', lastAgent: 'Seat', agent: 'triage', sessionId: 's-1' });
});

test('by default a session goes on with the entry agent', async () => {
  await using provider = await startFakeProvider();
  await provider.script({ when: { lastUserContains: 'seat', turn: 1 }, reply: { handoffTo: 'Seat' } });
  await using service = await startService({ app, provider });
  await service.post('/api/v1/run', { session_id: 's-1', message: 'a seat, please' });
  const { body } = await service.post('/api/v1/run', { session_id: 's-1', message: 'and now?' });
  expect(body).toMatchObject({ agent: 'triage' });
});

test('a name that two agents have is named in the log at the start', async () => {
  await using service = await startService({ app });
  const line = await service.logged(({ msg }) => msg?.startsWith('Several agents have the name "Desk"') === true);
  expect(line).toMatchObject({ level: 'warn' });
});

test.each([
  {
    options: "{ agents: { helper }, runner: { model: 'gpt-4.1' } }",
    message: 'runner.model is not taken: set OPENAI_MODEL',
  },
  { options: '{ agents: { helper }, runner: { maxturns: 3 } }', message: 'Did you mean "maxTurns"?' },
  { options: "{ agents: { helper }, models: { help: ['m'] } }", message: 'models["help"]: there is no such agent' },
  {
    options: "{ agents: { helper }, sessions: { continueWith: 'lastAgent' } }",
    message: "sessions.continueWith must be 'entry' or 'last_agent'.",
  },
  { options: "{ agents: { helper }, sessions: { continue: 'entry' } }", message: 'sessions has no option "continue".' },
])('serve($options) is refused at the start', async ({ options, message }) => {
  await using project = createProject({
    'main.js': `
      import { Agent } from '@openai/agents';
      import { serve } from 'agent-service';
      const helper = new Agent({ name: 'helper' });
      await serve(${options});
    `,
  });
  const { code, stdout, stderr } = await runCli(
    ['start', 'main.js'],
    { ...project.env, APP_ENV: 'test' },
    project.folder,
  );
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toContain(message);
  expect(stderr.trim().split('\n')).toHaveLength(1);
});
