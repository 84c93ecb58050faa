import { Agent, type AgentInputItem, OpenAIProvider, Runner } from '@openai/agents';
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type EngineUnderTest, engines } from '../support/engines.ts';
import { type FakeProvider, startFakeProvider } from '../support/fake-provider.ts';
import { type ServiceUnderTest, startService } from '../support/service.ts';

const app = 'tests/support/apps/input.ts';
const allowed = { roles: ['system', 'developer'], fileIds: true, urls: true };

const base64 = (bytes: number, fill = 7): string => Buffer.alloc(bytes, fill).toString('base64');
const png = (bytes: number): string => `data:image/png;base64,${base64(bytes)}`;
const pdf = `data:application/pdf;base64,${base64(6_000, 65)}`;
const wav = base64(9_000, 66);

type Api = 'responses' | 'chat_completions';
type Case = { name: string; body: Record<string, unknown>; sdk: string | AgentInputItem[]; only?: Api };

const user = (content: unknown): AgentInputItem => ({ type: 'message', role: 'user', content }) as AgentInputItem;
const text = (value: string) => ({ type: 'input_text', text: value });

/** Inputs on the wire, and the same as the SDK's `run()` takes it. */
const cases: Case[] = [
  { name: 'a text', body: { message: 'Hi' }, sdk: 'Hi' },
  { name: 'parts of text', body: { message: [text('one'), text('two')] }, sdk: [user([text('one'), text('two')])] },
  {
    name: 'a picture as a data: URL',
    body: { message: [text('What?'), { type: 'input_image', image_url: png(9_000), detail: 'low' }] },
    sdk: [user([text('What?'), { type: 'input_image', image: png(9_000), detail: 'low' }])],
  },
  {
    name: 'a picture by its URL',
    body: { message: [{ type: 'input_image', image_url: 'https://example.com/a.png' }] },
    sdk: [user([{ type: 'input_image', image: 'https://example.com/a.png' }])],
  },
  {
    name: 'a picture in the form of the SDK',
    body: {
      input: [{ role: 'user', content: [text('Is it?'), { type: 'input_image', image: 'https://example.com/a.png' }] }],
    },
    sdk: [user([text('Is it?'), { type: 'input_image', image: 'https://example.com/a.png' }])],
  },
  {
    name: 'a picture by the id of a file',
    body: { message: [{ type: 'input_image', file_id: 'file-1' }] },
    sdk: [user([{ type: 'input_image', image: { id: 'file-1' } }])],
    only: 'responses',
  },
  {
    name: 'a file',
    body: { message: [{ type: 'input_file', file_data: pdf, filename: 'a "b".pdf' }] },
    sdk: [user([{ type: 'input_file', file: pdf, filename: 'a "b".pdf' }])],
  },
  {
    name: 'a file by its id',
    body: { message: [{ type: 'input_file', file_id: 'file-2' }] },
    sdk: [user([{ type: 'input_file', file: { id: 'file-2' } }])],
  },
  {
    name: 'a file by its URL',
    body: { message: [{ type: 'input_file', file_url: 'https://example.com/a.pdf' }] },
    sdk: [user([{ type: 'input_file', file: { url: 'https://example.com/a.pdf' } }])],
    only: 'responses',
  },
  {
    name: 'a sound',
    body: { message: [{ type: 'input_audio', input_audio: { data: wav, format: 'wav' } }] },
    sdk: [user([{ type: 'audio', audio: wav, format: 'wav' }])],
    only: 'chat_completions',
  },
  {
    name: 'messages with roles',
    body: {
      input: [
        { role: 'developer', content: [text('Be'), text('brief.')] },
        { type: 'message', role: 'user', content: 'Look.' },
        { role: 'assistant', content: 'At what?' },
        { role: 'assistant', content: [{ type: 'output_text', text: 'Well?', annotations: [] }] },
        { role: 'user', content: [text('At this.'), { type: 'input_image', image_url: png(30) }] },
      ],
    },
    sdk: [
      { type: 'message', role: 'system', content: 'Be\nbrief.' },
      user('Look.'),
      { type: 'message', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text: 'At what?' }] },
      { type: 'message', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text: 'Well?' }] },
      user([text('At this.'), { type: 'input_image', image: png(30) }]),
    ],
  },
];

const reader = new Agent({ name: 'reader', instructions: 'You read.', model: 'gpt-4.1' });

const startReader = (provider: FakeProvider, env: Record<string, string>, option: object | null = allowed) =>
  startService({
    app,
    provider,
    env: { ...env, ...(option === null ? {} : { INPUT_OPTION: JSON.stringify(option) }) },
  });

describe.each(['responses', 'chat_completions'] as const)(
  'by the API %s, the provider is sent what run() sends',
  (api) => {
    let provider: FakeProvider;
    let service: ServiceUnderTest;

    beforeAll(async () => {
      provider = await startFakeProvider();
      service = await startReader(provider, { OPENAI_API: api });
    });
    beforeEach(() => provider.reset());
    afterAll(async () => {
      await service?.[Symbol.asyncDispose]();
      await provider?.[Symbol.asyncDispose]();
    });

    const sent = async () =>
      (await provider.requests()).filter(({ method }) => method === 'POST').map(({ body }) => body);

    /** The requests of the SDK's own `run()`. */
    async function sentBySdk(turns: Case['sdk'][], history: AgentInputItem[] = []): Promise<unknown[]> {
      await provider.reset();
      const openAIClient = new OpenAI({ baseURL: provider.baseUrl, apiKey: 'sk-test' });
      const modelProvider = new OpenAIProvider({ openAIClient, useResponses: api === 'responses' });
      const runner = new Runner({ modelProvider, tracingDisabled: true });
      let items = history;
      for (const turn of turns) {
        const asItems = typeof turn === 'string' ? [user(turn)] : turn;
        items = (await runner.run(reader, [...items, ...asItems])).history;
      }
      return sent();
    }

    const fitting = cases.filter(({ only }) => only === undefined || only === api);

    test.each(fitting)('for $name', async ({ body, sdk }) => {
      for (const path of ['/api/v1/run', '/api/v1/runs']) {
        await provider.reset();
        const { body: run } = await service.post(path, body);
        if (path === '/api/v1/runs')
          await service.get(`/api/v1/runs/${run.run_id}/events`, { accept: 'text/event-stream' });
        const ours = await sent();
        expect(ours).toHaveLength(1);
        expect(ours).toEqual(await sentBySdk([sdk]));
      }
    });

    test('in each turn of a session', async () => {
      const bodies = fitting.slice(0, 4);
      for (const { body } of bodies) await service.post('/api/v1/run', { ...body, session_id: `s-${api}` });
      const ours = await sent();
      expect(ours).toHaveLength(4);
      expect(ours).toEqual(await sentBySdk(bodies.map(({ sdk }) => sdk)));
    });

    test('after a history that was imported, in the form of the Responses API or of the SDK', async () => {
      const call = { name: 'look_up', arguments: '{"id":1}' };
      const sdk: AgentInputItem[] = [
        user('Where is it?'),
        { type: 'function_call', callId: 'c1', ...call, status: 'completed' },
        {
          type: 'function_call_result',
          callId: 'c1',
          name: 'look_up',
          status: 'completed',
          output: { type: 'text', text: 'here' },
        },
        { type: 'message', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text: 'Here.' }] },
      ];
      const ofResponses = [
        { role: 'user', content: 'Where is it?' },
        { type: 'function_call', call_id: 'c1', id: 'fc_1', ...call },
        { type: 'function_call_output', call_id: 'c1', output: 'here' },
        { role: 'assistant', content: 'Here.' },
      ];
      for (const [form, items] of Object.entries({ sdk, ofResponses })) {
        await provider.reset();
        const imported = await service.post(`/api/v1/sessions/${form}-${api}/items`, { items });
        expect([imported.status, imported.body]).toMatchObject([200, { items_count: 4, runs_count: 0 }]);
        await service.post('/api/v1/run', { session_id: `${form}-${api}`, message: 'And now?' });
        expect(await sent()).toEqual(await sentBySdk(['And now?'], sdk));
      }
    });
  },
);

test('an input is sent again as it was after its process was killed', async () => {
  await using provider = await startFakeProvider();
  await provider.script({ when: { nth: 1 }, reply: { text: 'One two.', hold: 'asked' } });
  const first = await startReader(provider, {});
  const message = [text('Look:'), { type: 'input_image', image_url: png(9_000) }];
  const { body } = await first.post('/api/v1/runs', { message, session_id: 's-1' });
  await provider.held('asked');
  first.kill('SIGKILL');
  await first.allExited;
  await provider.release('asked');
  await using second = await startService({
    app,
    provider,
    dataDir: first.dataDir,
    env: { INPUT_OPTION: JSON.stringify(allowed) },
  });
  await second.get(`/api/v1/runs/${body.run_id}/events`, { accept: 'text/event-stream' });
  expect((await second.get(`/api/v1/runs/${body.run_id}`)).body).toMatchObject({ status: 'completed', crashes: 1 });
  const [one, other, ...more] = (await provider.requests()).filter(({ method }) => method === 'POST');
  expect(more).toEqual([]);
  expect(other?.body).toEqual(one?.body);
  expect(JSON.stringify(one?.body)).toContain(png(9_000));
  await first[Symbol.asyncDispose]();
});

describe.each(engines)('an input that is more than text, on $name', ({ open }) => {
  let engine: EngineUnderTest;
  let provider: FakeProvider;
  let service: ServiceUnderTest;

  beforeAll(async () => {
    [engine, provider] = await Promise.all([open(), startFakeProvider()]);
    service = await startReader(provider, engine.env);
  });
  beforeEach(() => provider.reset());
  afterAll(async () => {
    await service?.[Symbol.asyncDispose]();
    await provider?.[Symbol.asyncDispose]();
    await engine?.[Symbol.asyncDispose]();
  });

  const parts = [
    text('Read'),
    { type: 'input_image', image_url: png(9_000), detail: 'low' },
    text('both.'),
    { type: 'input_file', file_data: pdf, filename: 'a.pdf' },
    { type: 'input_image', image_url: png(30) },
  ];

  test('is shown by the run, large data by a reference that leads to its bytes', async () => {
    const { body } = await service.post('/api/v1/run', { message: parts, session_id: 's-shown' });
    expect(body).toMatchObject({ status: 'completed', message: 'Read\nboth.' });
    const large = (n: number, bytes: number, media_type: string) => ({
      bytes,
      media_type,
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
      url: `/api/v1/runs/${body.run_id}/input/${n}`,
    });
    const content = [
      text('Read'),
      { type: 'input_image', detail: 'low', ...large(1, 9_000, 'image/png') },
      text('both.'),
      { type: 'input_file', filename: 'a.pdf', ...large(2, 6_000, 'application/pdf') },
      { type: 'input_image', image_url: png(30) },
    ];
    expect(body.input).toEqual([{ type: 'message', role: 'user', content }]);
    const { data } = (await service.get('/api/v1/runs?session_id=s-shown')).body as { data: { input: unknown }[] };
    expect(data.map(({ input }) => input)).toEqual([body.input]);

    const bytes = await fetch(`${service.url}/api/v1/runs/${body.run_id}/input/1`);
    expect(Buffer.from(await bytes.arrayBuffer())).toEqual(Buffer.alloc(9_000, 7));
    expect(Object.fromEntries(bytes.headers)).toMatchObject({
      'content-type': 'image/png',
      'content-disposition': 'attachment; filename="input-1"',
      'x-content-type-options': 'nosniff',
    });
    expect((await service.get(`/api/v1/runs/${body.run_id}/input/3`)).status).toBe(404);
    expect((await service.get(`/api/v1/runs/${body.run_id}/input/0`)).status).toBe(422);
  });

  test('is stored whole in the session', async () => {
    await service.post('/api/v1/run', { message: parts, session_id: 's-items' });
    const { data } = (await service.get('/api/v1/sessions/s-items/items')).body as { data: { item: unknown }[] };
    expect(data[0]?.item).toEqual(
      user([
        text('Read'),
        { type: 'input_image', image: png(9_000), detail: 'low' },
        text('both.'),
        { type: 'input_file', file: pdf, filename: 'a.pdf' },
        { type: 'input_image', image: png(30) },
      ]),
    );
  });

  test('of a text alone has no other form than `message`', async () => {
    const { body } = await service.post('/api/v1/run', { input: [{ role: 'user', content: 'Hi' }] });
    expect([body.message, body.input]).toEqual(['Hi', null]);
    const picture = await service.post('/api/v1/run', { message: [{ type: 'input_image', image_url: png(30) }] });
    expect(picture.body.message).toBe('');
  });

  test('makes one run for one idempotency key, and another input is refused', async () => {
    const key = { 'idempotency-key': 'k1' };
    const first = await service.post('/api/v1/run', { message: parts }, key);
    const again = await service.post('/api/v1/run', { message: parts }, key);
    expect(again.body.run_id).toBe(first.body.run_id);
    const other = await service.post('/api/v1/run', { message: parts.slice(1) }, key);
    expect([other.status, other.body.code]).toEqual([422, 'idempotency_key_reused']);
  });

  const turn = [
    { role: 'user', content: 'one' },
    { role: 'assistant', content: 'two' },
  ];
  const imported = (session: string, items: unknown, headers = {}) =>
    service.post(`/api/v1/sessions/${session}/items`, { items }, headers);

  test('can go on after a history, which is imported once for a key', async () => {
    const key = { 'idempotency-key': 'import-1' };
    for (const _ of ['once', 'again']) {
      expect((await imported('s-import', turn, key)).body).toMatchObject({ items_count: 2, active_run_id: null });
    }
    const other = await imported('s-import', [...turn, ...turn], key);
    expect([other.status, other.body.code]).toEqual([422, 'idempotency_key_reused']);
    const { data } = (await service.get('/api/v1/sessions/s-import/items')).body as { data: { run_id: unknown }[] };
    expect(data.map(({ run_id }) => run_id)).toEqual([null, null]);
  });

  test('cannot be preceded by a history while a run holds the session', async () => {
    await provider.script({ when: { lastUserContains: 'hold' }, reply: { text: 'Done.', hold: 'held' } });
    const running = service.post('/api/v1/run', { session_id: 's-held', message: 'hold' });
    await provider.held('held');
    const refused = await imported('s-held', turn);
    expect([refused.status, refused.body.code, refused.headers.get('retry-after')]).toEqual([
      409,
      'session_busy',
      expect.any(String),
    ]);
    await provider.release('held');
    await running;
    expect((await imported('s-held', turn)).status).toBe(200);
  });

  const call = { type: 'function_call', call_id: 'c1', name: 'f', arguments: '{}' };
  const output = { type: 'function_call_output', call_id: 'c1', output: 'x' };
  test.each([
    ['items.0', [turn[1]], 'must not be first'],
    ['items.0', [turn[0]], "must be the assistant's answer"],
    ['items.1', [turn[0], output, turn[1]], 'must follow its call c1'],
    ['items.2', [turn[0], call, turn[1]], 'must be followed by the result of the call c1'],
    ['items.2', [turn[0], call, turn[0], output, turn[1]], 'must not stand before the result of the call c1'],
    ['items.3', [turn[0], call, output, turn[0], turn[1]], 'before the assistant has answered'],
    ['items.3', [turn[0], call, output, call, turn[1]], 'must not repeat the call c1'],
    ['items.1.type', [turn[0], { type: 'reasoning', content: [] }, turn[1]], 'must be message, function_call'],
  ])('is not preceded by what are no whole turns: $0 $2', async (path, items, message) => {
    const { status, body } = await imported('s-never', items);
    expect([status, body.errors]).toMatchObject([422, [{ path, message: expect.stringContaining(message) }]]);
    expect((await service.get('/api/v1/sessions/s-never')).status).toBe(404);
  });
});
