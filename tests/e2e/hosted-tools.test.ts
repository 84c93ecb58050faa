import { OpenAIProvider, Runner } from '@openai/agents';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type EngineUnderTest, engines } from '../support/engines.ts';
import type { HostedItemReply } from '../support/fake-provider/hosted-items.ts';
import { type FakeProvider, startFakeProvider } from '../support/fake-provider.ts';
import { hostedAgents } from '../support/hosted-agents.ts';
import { bearer, keyedEnv, makeKey } from '../support/keys.ts';
import { startProcesses } from '../support/processes.ts';
import { type ServiceUnderTest, startService } from '../support/service.ts';
import { readEvents, type ServerSentEvent, textOf } from '../support/sse.ts';

const app = 'tests/support/apps/hosted-tools.ts';
const png = Buffer.from('89504e470d0a1a0a0000', 'hex');

const webSearch = {
  type: 'web_search_call',
  action: { type: 'search', query: 'weather', sources: [{ type: 'url', url: 'https://weather.example' }] },
};
const image = {
  type: 'image_generation_call',
  result: png.toString('base64'),
  revised_prompt: 'A cat',
  output_format: 'png',
};
/** One call of each hosted tool, as the provider answers it, and what its events say. */
const tools = [
  {
    item: webSearch,
    tool: 'web_search',
    arguments: { type: 'search', query: 'weather' },
    output: JSON.stringify(webSearch.action.sources),
  },
  {
    item: {
      type: 'file_search_call',
      queries: ['returns'],
      results: [{ file_id: 'file_1', text: '30 days', score: 1 }],
    },
    tool: 'file_search',
    arguments: { queries: ['returns'] },
    output: JSON.stringify([{ file_id: 'file_1', text: '30 days', score: 1 }]),
  },
  {
    item: {
      type: 'code_interpreter_call',
      code: 'print(1)',
      container_id: 'cntr_1',
      outputs: [{ type: 'logs', logs: '1\n' }],
    },
    tool: 'code_interpreter',
    arguments: { code: 'print(1)', container_id: 'cntr_1' },
    output: JSON.stringify([{ type: 'logs', logs: '1\n' }]),
  },
  { item: image, tool: 'image_generation', arguments: { revised_prompt: 'A cat', output_format: 'png' } },
  {
    item: { type: 'mcp_call', server_label: 'docs', name: 'read', arguments: '{"page":1}', output: 'A page.' },
    tool: 'docs.read',
    arguments: { page: 1 },
    output: 'A page.',
    isError: false,
  },
  {
    item: {
      type: 'mcp_call',
      server_label: 'docs',
      name: 'read',
      arguments: '{}',
      status: 'failed',
      error: { type: 'protocol_error', code: -1, message: 'gone' },
    },
    tool: 'docs.read',
    arguments: {},
    output: JSON.stringify({ type: 'protocol_error', code: -1, message: 'gone' }),
    isError: true,
  },
];
const shell = [
  {
    type: 'shell_call',
    call_id: 'call_shell',
    action: { commands: ['ls'], timeout_ms: null, max_output_length: null },
    environment: { type: 'container_reference', container_id: 'cntr_1' },
  },
  {
    type: 'shell_call_output',
    call_id: 'call_shell',
    output: [{ stdout: 'a.txt', stderr: '', outcome: { type: 'exit', exit_code: 0 } }],
  },
];

const answer = 'It rains, says the forecast.';
const citation = {
  type: 'url_citation',
  url: 'https://weather.example',
  title: 'Weather',
  start_index: 9,
  end_index: 27,
};

describe.each(engines)('hosted tools on $name', ({ open }) => {
  let engine: EngineUnderTest;
  let provider: FakeProvider;
  let service: ServiceUnderTest;

  beforeAll(async () => {
    [engine, provider] = await Promise.all([open(), startFakeProvider()]);
    service = await startService({ app, provider, env: engine.env });
  });
  beforeEach(() => provider.reset());
  afterAll(async () => {
    await service?.[Symbol.asyncDispose]();
    await provider?.[Symbol.asyncDispose]();
    await engine?.[Symbol.asyncDispose]();
  });

  const streamed = async (query = '', by = service) =>
    readEvents(
      await fetch(`${by.url}/api/v1/run/stream${query}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ message: 'Hi' }),
      }),
    );
  const followed = async (runId: unknown, query = '', by = service) =>
    readEvents(await fetch(`${by.url}/api/v1/runs/${runId}/events${query}`)).all();
  const ofTools = (events: readonly ServerSentEvent[]) => events.filter(({ event }) => event.startsWith('tool.'));
  const endedRun = (events: readonly ServerSentEvent[]) => events.at(-1)?.data.run as Record<string, unknown>;

  const ways = {
    streamed: async () => (await streamed()).all(),
    blocking: async () => followed((await service.post('/api/v1/run', { message: 'Hi' })).body.run_id),
  };

  describe.each(Object.entries(ways))('in a %s run', (_, execute) => {
    test.each(tools)(
      'a call of $tool is told once, with what it did (failed: $isError)',
      async ({ item, tool, output, isError, ...given }) => {
        await provider.script({ items: [item], text: 'Done.' });
        const events = ofTools(await execute());
        expect(events.map(({ event }) => event)).toEqual(['tool.started', 'tool.completed']);
        const [started, completed] = events;
        expect(completed?.data).toMatchObject({
          ...{ step: 1, tool, arguments: given.arguments, is_error: isError ?? false, hosted: true },
          call_id: started?.data.call_id,
        });
        expect(started?.data).toMatchObject({ step: 1, tool, hosted: true });
        if (output !== undefined) expect(completed?.data.output).toBe(output);
      },
    );

    test('a call of a shell of the provider is told with the output of its own item', async () => {
      await provider.script({ items: shell, text: 'Done.' });
      const events = ofTools(await execute()).map(({ data }) => data);
      expect(events).toMatchObject([
        { type: 'tool.started', tool: 'shell', arguments: { commands: ['ls'] } },
        { type: 'tool.completed', output: JSON.stringify([{ stdout: 'a.txt', stderr: '', exit_code: 0 }]) },
      ]);
    });

    test('summaries of reasoning are events of their own, and no part of the text', async () => {
      const summary = ['Think twice', 'Then act'].map((text) => ({ type: 'summary_text', text }));
      await provider.script({ items: [{ type: 'reasoning', summary }], text: answer });
      const events = await execute();
      const completed = events.filter(({ event }) => event === 'reasoning.completed').map(({ data }) => data);
      expect(completed).toMatchObject([
        { step: 1, part: 1, text: 'Think twice' },
        { step: 1, part: 2, text: 'Then act' },
      ]);
      const deltas = events.flatMap(({ data }) =>
        data.type === 'reasoning.delta' && data.part === 1 ? [data.delta] : [],
      );
      expect(['Think twice', '']).toContain(deltas.join(''));
      expect([textOf(events), endedRun(events).response]).toEqual([answer, answer]);
    });

    test('the run has the citations of its final text, at their positions, and a list of files', async () => {
      const cited = {
        type: 'container_file_citation',
        container_id: 'cntr_1',
        file_id: 'cfile_1',
        filename: 'a.csv',
        start_index: 0,
        end_index: 2,
      };
      await provider.script({ items: [image], text: answer, annotations: [citation, cited] });
      const run = endedRun(await execute());
      expect(run.annotations).toEqual([citation, cited]);
      expect(answer.slice(citation.start_index, citation.end_index)).toBe(' says the forecast');
      expect(run.files).toMatchObject([
        { type: 'image', filename: '1.0.png', media_type: 'image/png', bytes: png.length, step: 1 },
        { type: 'container_file', container_id: 'cntr_1', file_id: 'cfile_1', filename: 'a.csv', url: null },
      ]);
    });
  });

  test('a call is told while the provider still works on it', async () => {
    await provider.script({ items: [webSearch], text: 'Done.', hold: { name: 'searching', afterTokens: 1 } });
    const events = await streamed();
    const { data } = await events.until('tool.started');
    expect(data).toMatchObject({ tool: 'web_search' });
    await provider.release('searching');
    expect((await events.until('tool.completed')).data.call_id).toBe(data.call_id);
    expect((await events.all()).at(-1)?.event).toBe('run.completed');
  });

  test('a generated image is no part of an event, and its bytes are served as a download', async () => {
    const large = Buffer.alloc(200_000, 7);
    await provider.script({ items: [{ ...image, result: large.toString('base64') }], text: 'A cat.' });
    const events = await (await streamed()).all();
    const completed = events.find(({ event }) => event === 'tool.completed')?.data;
    expect(JSON.stringify(completed).length).toBeLessThan(2_000);
    const { files } = JSON.parse(String(completed?.output)) as { files: { url: string; bytes: number }[] };
    expect(endedRun(events).files).toEqual(files);
    const response = await fetch(`${service.url}${files[0]?.url}`);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'image/png',
      'content-disposition': 'attachment; filename="1.0.png"',
      'x-content-type-options': 'nosniff',
    });
    expect(Buffer.from(await response.arrayBuffer()).equals(large)).toBe(true);
  });

  test.each(['1.1', '2.0', '1', 'x', '1.0.0', '01.0'])('a run has no file %s if no answer holds it', async (file) => {
    await provider.script({ items: [image], text: 'A cat.' });
    const { body } = await service.post('/api/v1/run', { message: 'Hi' });
    const { status, body: problem } = await service.get(`/api/v1/runs/${body.run_id}/files/${file}`);
    expect([status, problem.code]).toEqual([404, 'not_found']);
  });

  test('what a run goes on with after an approval tells no call again, and keeps citations and files', async () => {
    const first = { items: [image, webSearch], toolCalls: [{ name: 'refund' }] };
    await provider.script({ turns: [first, { text: answer, annotations: [citation] }] });
    const { body: waits } = await service.post('/api/v1/run', { message: 'Hi' });
    const { items } = waits.required_action as { items: { call_id: string }[] };
    const decisions = items.map(({ call_id }) => ({ call_id, decision: 'approve' }));
    await service.post(`/api/v1/runs/${waits.run_id}/decisions`, { decisions });
    const events = await followed(waits.run_id, `?after=0`);
    const all = events.at(-1)?.event === 'run.completed' ? events : await followed(waits.run_id);
    const hosted = ofTools(all).filter(({ data }) => data.hosted);
    expect(hosted.map(({ event, data }) => `${event} ${data.tool}`)).toEqual([
      'tool.started image_generation',
      'tool.completed image_generation',
      'tool.started web_search',
      'tool.completed web_search',
    ]);
    expect(endedRun(all)).toMatchObject({ drift: false, annotations: [citation], files: [{ type: 'image' }] });
  });

  test('a call whose answer breaks off is ended as failed, and the run fails', async () => {
    await provider.script({
      when: {},
      reply: {
        items: [webSearch],
        hold: { name: 'read', afterTokens: 1 },
        fault: { kind: 'reset', afterTokens: 1 },
      },
    });
    const events = await streamed();
    await events.until('tool.started');
    await provider.release('read');
    const all = await events.all();
    expect(ofTools(all).map(({ data }) => [data.type, data.is_error])).toEqual([
      ['tool.started', undefined],
      ['tool.completed', true],
    ]);
    expect(all.at(-1)?.event).toBe('run.failed');
  });

  test('a call in a process that is killed is ended as failed by the next one, which repeats the model call', async () => {
    await using own = await open();
    await using processes = startProcesses({ app, provider, env: { ...own.env, RUN_LEASE: '2' } });
    const first = await processes.start();
    await provider.script({ when: { nth: 1 }, reply: { items: [webSearch], hold: { name: 'lost', afterTokens: 1 } } });
    await provider.script({ items: [webSearch], text: 'Done.' });
    const before = await streamed('', first);
    const { run_id } = (await before.until('tool.started')).data;
    first.kill('SIGKILL');
    await first.exited;
    const events = await followed(run_id, '', await processes.start());
    expect(events.at(-1)?.event).toBe('run.completed');
    expect(ofTools(events).map(({ event, data }) => `${event} ${data.is_error ?? ''}`.trim())).toEqual([
      'tool.started',
      'tool.completed true',
      'tool.started',
      'tool.completed false',
    ]);
  });

  /** The first request to the model breaks off after two tokens that the client has read; the next one is answered. */
  async function breakOff(reply: { items: HostedItemReply[]; text: string }) {
    const [hold, fault] = [
      { name: 'read', afterTokens: 2 },
      { kind: 'reset' as const, afterTokens: 2 },
    ];
    await provider.script({ when: { nth: 1 }, reply: { ...reply, hold, fault } });
    await provider.script({ when: {}, reply });
  }

  test('reasoning of an answer that breaks off is withdrawn with the text of its step, and told anew', async () => {
    await breakOff({
      items: [{ type: 'reasoning', summary: [{ type: 'summary_text', text: 'one two three' }] }],
      text: answer,
    });
    const events = await streamed();
    await events.until('reasoning.delta');
    await provider.release('read');
    const all = await events.all();
    const reset = all.findIndex(({ event }) => event === 'text.reset');
    expect(all[reset]?.data).toMatchObject({ step: 1, reason: 'provider' });
    const after = all.slice(reset).flatMap(({ data }) => (data.type === 'reasoning.delta' ? [data.delta] : []));
    expect(after.join('')).toBe('one two three');
    expect(all.filter(({ event }) => event === 'reasoning.completed')).toHaveLength(1);
  });

  test('a file of a run is read with the scope read, and by its own tenant only', async () => {
    await using own = await open();
    await using keyed = await startService({ app, provider, env: { ...keyedEnv, ...own.env } });
    const acme = await makeKey(keyed, { tenant: 'acme' });
    const reader = await makeKey(keyed, { tenant: 'acme', scopes: ['read'] });
    const runner = await makeKey(keyed, { tenant: 'acme', scopes: ['run'] });
    const rival = await makeKey(keyed, { tenant: 'rival' });
    await provider.script({ items: [image], text: 'A cat.' });
    const { body } = await acme.holder.post('/api/v1/run', { message: 'Hi' });
    const [{ url }] = body.files as [{ url: string }];
    const statusFor = async ({ text }: { text: string }) =>
      (await fetch(`${keyed.url}${url}`, { headers: bearer(text) })).status;
    expect(await Promise.all([acme, reader, runner, rival].map(statusFor))).toEqual([200, 200, 403, 404]);
  });

  test('the provider receives the requests that the SDK itself would send', async () => {
    const turns = [
      {
        items: [...tools.map(({ item }) => item), ...shell],
        toolCalls: [{ name: 'write', arguments: { input: 'x' } }],
      },
      { text: answer, annotations: [citation] },
    ];
    const script = async () => {
      await provider.reset();
      await provider.script({ when: { agentInstructionsContain: 'main agent' }, turns });
      await provider.script({ when: { agentInstructionsContain: 'writer' }, reply: 'one two' });
    };
    const asked = async () =>
      (await provider.requests()).flatMap(({ path, body }) => (path === '/v1/responses' ? [body] : []));
    await script();
    const events = await (await streamed()).all();
    expect(endedRun(events).status).toBe('completed');
    const byService = await asked();
    await script();
    const modelProvider = new OpenAIProvider({ baseURL: provider.baseUrl, apiKey: 'sk-test', useResponses: true });
    const runner = new Runner({ modelProvider, tracingDisabled: true });
    const result = await runner.run(hostedAgents().main, [{ role: 'user', content: 'Hi' }], { stream: true });
    for await (const _ of result);
    expect(byService).toEqual(await asked());
    expect(endedRun(events).response).toBe(result.finalOutput);
  });
});
