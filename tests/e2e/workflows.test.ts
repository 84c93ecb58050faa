import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type EngineUnderTest, engines } from '../support/engines.ts';
import { type FakeProvider, startFakeProvider } from '../support/fake-provider.ts';
import { type ServiceUnderTest, startService } from '../support/service.ts';
import { readEvents, textOf } from '../support/sse.ts';

const app = 'tests/support/apps/workflow.ts';
type Item = { call_id: string; tool: string };

describe.each(engines)('workflows on $name', ({ open }) => {
  let engine: EngineUnderTest;
  let provider: FakeProvider;
  let folder: string;
  let effects: string;
  const start = (): Promise<ServiceUnderTest> =>
    startService({ provider, app, dataDir: folder, env: { ...engine.env, RUN_LEASE: '2', EFFECTS_FILE: effects } });
  const linesOf = () => readFileSync(effects, 'utf8').trim().split('\n').sort();

  beforeAll(async () => {
    [engine, provider] = await Promise.all([open(), startFakeProvider()]);
  });
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'agent-service-workflow-'));
    effects = join(folder, 'effects.log');
    await provider.reset();
    return () => rmSync(folder, { recursive: true, force: true });
  });
  afterAll(async () => {
    await provider?.[Symbol.asyncDispose]();
    await engine?.[Symbol.asyncDispose]();
  });

  /** A plan of two searches, each with a tool; the second answer of each search waits for its release. */
  async function scriptResearch(hold: (query: string) => object = () => ({})): Promise<void> {
    const by = (agentInstructionsContain: string, rest: object = {}) => ({ agentInstructionsContain, ...rest });
    await provider.script({ when: by('planner'), reply: { text: JSON.stringify({ searches: ['a', 'b'] }) } });
    for (const query of ['a', 'b']) {
      const calls = { toolCalls: [{ name: 'look', arguments: { text: query } }] };
      const turns = [calls, { text: `about ${query}`, ...hold(query) }];
      await provider.script({ when: by('searcher', { lastUserContains: query }), turns });
    }
    await provider.script({ when: by('writer'), reply: { text: 'The whole report.' } });
  }

  test('a run whose process is killed among parallel runs goes on, and nothing is asked or done twice', async () => {
    await scriptResearch((query) => (query === 'b' ? { hold: 'b' } : {}));
    const first = await start();
    const response = await fetch(`${first.url}/api/v1/run/stream`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ message: 'Go', agent: 'research', session_id: 'killed' }),
    });
    const { data } = await readEvents(response).until('run.started');
    await provider.held('b');
    // The run of "a" has ended: its record is durable with the next one that is.
    const isRecorded = async () => {
      const { body } = await first.get(`/api/v1/runs/${data.run_id}/steps`);
      const ended = (body.data as { kind: string; name: string; status: string }[]).filter(
        ({ kind, name, status }) => kind === 'step' && name === 'Searcher' && status === 'completed',
      );
      return ended.length === 1;
    };
    while (!(await isRecorded()));
    first.kill('SIGKILL');
    await first.exited;

    await using second = await start();
    await provider.held('b', 1);
    await provider.release('b');
    await readEvents(await fetch(`${second.url}/api/v1/runs/${data.run_id}/events`)).all();
    const { body } = await second.get(`/api/v1/runs/${data.run_id}`);
    expect(body).toMatchObject({
      status: 'completed',
      response: 'The whole report.',
      agent: 'research',
      last_agent: 'research',
      attempt: 2,
      crashes: 1,
      drift: false,
    });
    // Two of each search, one plan and one report; the answer that was cut was asked for again.
    expect((await provider.requests()).filter(({ path }) => path === '/v1/responses')).toHaveLength(7);
    expect(linesOf().map((line) => line.split(' ').slice(0, -1).join(' '))).toEqual(['look a', 'look b', 'planned']);
  });

  test('the text of a stream is the answer, and the session has it after its input', async () => {
    await scriptResearch();
    await using service = await start();
    const stream = async () => {
      const response = await fetch(`${service.url}/api/v1/run/stream`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ message: 'Go', agent: 'research', session_id: 'told' }),
      });
      return readEvents(response).all();
    };
    const events = await stream();
    expect(textOf(events)).toBe('The whole report.');
    const types = events.map(({ event }) => event);
    expect([...new Set(types)]).toEqual([
      'run.created',
      'run.started',
      'tool.started',
      'tool.completed',
      'text.delta',
      'run.completed',
    ]);
    await stream();
    const { body } = await service.get('/api/v1/sessions/told/items');
    expect((body.data as { item: { role: string } }[]).map(({ item }) => item.role)).toEqual([
      'user',
      'assistant',
      'user',
      'assistant',
    ]);
    const asked = (await provider.requests()).map(({ body: sent }) => JSON.stringify(sent));
    expect(asked.filter((text) => text.includes('2 before'))).toHaveLength(1);
  });

  test('approvals of parallel runs are decided together, and the answer is structured', async () => {
    await provider.script({
      when: { agentInstructionsContain: 'payer' },
      turns: [{ toolCalls: [{ name: 'pay', arguments: { text: 'x' } }] }, 'paid'],
    });
    await using service = await start();
    const { status, body } = await service.post('/api/v1/run', { message: 'Pay', agent: 'payments' });
    expect([status, body.status]).toEqual([202, 'requires_action']);
    const { items } = body.required_action as { items: Item[] };
    expect(items.map(({ tool }) => tool)).toEqual(['pay', 'pay']);
    const decisions = items.map(({ call_id }) => ({ call_id, decision: 'approve' }));
    await service.post(`/api/v1/runs/${body.run_id}/decisions`, { decisions });
    await readEvents(await fetch(`${service.url}/api/v1/runs/${body.run_id}/events?after=0`)).until('run.completed');
    const { body: ended } = await service.get(`/api/v1/runs/${body.run_id}`);
    expect(ended).toMatchObject({
      status: 'completed',
      output: { paid: ['paid', 'paid'] },
      response: '{"paid":["paid","paid"]}',
      drift: false,
    });
    expect(linesOf()).toHaveLength(2);
  });

  test('a list of agents names them', async () => {
    await using service = await start();
    const { body } = await service.get('/api/v1/agents');
    expect(
      (body.data as { name: string; kind: string; entry: boolean }[]).map(({ name, kind, entry }) => [
        name,
        kind,
        entry,
      ]),
    ).toEqual([
      ['research', 'workflow', true],
      ['payments', 'workflow', false],
      ['Planner', 'agent', false],
      ['Searcher', 'agent', false],
      ['Writer', 'agent', false],
      ['Payer', 'agent', false],
    ]);
  });
});

test('the example researches with the simulated model', async () => {
  await using service = await startService({ app: 'dist/examples/research/main.js' });
  const { status, body } = await service.post('/api/v1/run', { message: 'Is tea older than coffee?' });
  expect(status).toBe(200);
  expect(body).toMatchObject({ status: 'completed', simulated: true, agent: 'research', last_agent: 'research' });
  expect(body.response).toMatch(/^\[simulated\]/);
  const { body: steps } = await service.get(`/api/v1/runs/${body.run_id}/steps`);
  const names = (steps.data as { kind: string; name: string }[]).flatMap(({ kind, name }) =>
    kind === 'step' ? name : [],
  );
  expect(names).toEqual(expect.arrayContaining(['Planner', 'Searcher', 'Writer', 'answer']));
});
