import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OpenAIProvider, Runner } from '@openai/agents';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { picture, toolResultsAgents } from '../support/apps/tool-results-agents.ts';
import { type EngineUnderTest, engines } from '../support/engines.ts';
import { type FakeProvider, startFakeProvider } from '../support/fake-provider.ts';
import { type ServiceUnderTest, startService } from '../support/service.ts';
import { readEvents } from '../support/sse.ts';
import { storeRows } from '../support/store-rows.ts';

const app = 'tests/support/apps/tool-results.ts';
const apis = { responses: '/v1/responses', chat_completions: '/v1/chat/completions' } as const;
type Api = keyof typeof apis;
type AgentName = keyof typeof toolResultsAgents;

let provider: FakeProvider;
beforeAll(async () => {
  vi.spyOn(console, 'warn').mockImplementation(() => {}); // the SDK says that Chat Completions has no pictures of tools
  provider = await startFakeProvider();
});
beforeEach(() => provider.reset());
afterAll(() => {
  vi.restoreAllMocks();
  return provider?.[Symbol.asyncDispose]();
});

/** The requests that the provider got since the last reset, as they were written. */
const sent = async () =>
  (await provider.requests()).filter(({ method }) => method === 'POST').map(({ body }) => JSON.stringify(body));

const calls = (name: string, seed = 1, size = 3_000) => [
  { turns: [{ toolCalls: [{ name, arguments: { seed, size } }] }, 'Seen.'] },
];

/** What the SDK's own `run()` sends and answers. */
async function ofSdk(api: Api, agent: AgentName, name: string, stream: boolean) {
  await provider.script(...calls(name));
  const useResponses = api === 'responses';
  const modelProvider = new OpenAIProvider({ apiKey: 'sk-test', baseURL: provider.baseUrl, useResponses });
  const runner = new Runner({ modelProvider, model: 'gpt-4.1', tracingDisabled: true });
  const streamed = async () => {
    const result = await runner.run(toolResultsAgents[agent], 'Hi', { stream: true });
    await result.completed;
    return result;
  };
  const answer = await (stream ? streamed() : runner.run(toolResultsAgents[agent], 'Hi')).then(
    ({ finalOutput }) => finalOutput,
    () => null,
  );
  const requests = await sent();
  await provider.reset();
  return { answer, requests };
}

const names = ['shot', 'pdf', 'pages', 'linked', 'rows', 'reading', 'bytes'];
const cases: [AgentName, string][] = [
  ...names.map((name): [AgentName, string] => ['looks', name]),
  ['decides', 'reading'],
];

describe.each(engines)('what tools return, on $name', ({ open }) => {
  let engine: EngineUnderTest;
  let folder: string;
  const start = (env: Record<string, string> = {}) =>
    startService({ provider, app, dataDir: folder, env: { ...engine.env, RUN_LEASE: '2', ...env } });

  beforeAll(async () => {
    engine = await open();
    folder = mkdtempSync(join(tmpdir(), 'agent-service-test-'));
  });
  afterAll(async () => {
    await engine?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const stepsOf = async (service: ServiceUnderTest, runId: unknown, query = '') =>
    (await service.get(`/api/v1/runs/${runId}/steps${query}`)).body.data as { [key: string]: unknown }[];
  const ended = async (service: ServiceUnderTest, runId: unknown) => {
    await readEvents(await fetch(`${service.url}/api/v1/runs/${runId}/events`)).all();
    return (await service.get(`/api/v1/runs/${runId}`)).body;
  };

  describe.each(['responses', 'chat_completions'] as const)('with the API %s', (api) => {
    test("is sent to the model byte for byte as the SDK's run() sends it, blocking and streamed", async () => {
      await using service = await start({ OPENAI_API: api });
      for (const stream of [false, true]) {
        for (const [agent, name] of cases) {
          const sdk = await ofSdk(api, agent, name, stream);
          await provider.script(...calls(name));
          const path = stream ? '/api/v1/run/stream' : '/api/v1/run';
          const { text } = await service.post(path, { message: 'Hi', agent });
          expect(await sent(), `${agent} ${name}`).toEqual(sdk.requests);
          if (sdk.answer !== null) expect(text).toContain(JSON.stringify(sdk.answer).slice(1, -1));
          await provider.reset();
        }
      }
    });

    test('is the same after the process is killed, without a second call of the tool', async () => {
      const file = join(folder, `calls-${api}`);
      await using service = await start({ OPENAI_API: api, CALLS_FILE: file });
      const names = api === 'responses' ? ['shot', 'pages', 'reading'] : ['reading', 'rows'];
      const runs: unknown[] = [];
      for (const name of names) {
        await provider.script({
          when: { lastUserContains: name },
          turns: [
            { toolCalls: [{ name, arguments: { seed: 1, size: 9_000 } }] },
            { text: 'Seen.', hold: { name: 'second' } },
          ],
        });
        runs.push((await service.post('/api/v1/runs', { message: name, agent: 'looks' })).body.run_id);
      }
      await provider.held('second', names.length);
      service.kill('SIGKILL');
      await service.exited;
      await provider.release('second');
      await using successor = await start({ OPENAI_API: api, CALLS_FILE: file });
      for (const run of runs)
        expect(await ended(successor, run)).toMatchObject({ status: 'completed', attempt: 2, drift: false });
      expect(readFileSync(file, 'utf8').trim().split('\n').sort()).toEqual(names.sort());
      const requests = await sent();
      // The first call of each, the second one that was cut off, and the same again.
      expect(requests).toHaveLength(3 * names.length);
      expect(new Set(requests).size).toBe(2 * names.length);
    });
  });

  test('is stored once in the run and once in the session: what a turn adds does not grow with the turns', async () => {
    await using service = await start();
    const rows = storeRows({ env: engine.env, dataDir: folder });
    const size = 200_000;
    const sizes: number[] = [];
    let runId: unknown;
    for (let turn = 1; turn <= 6; turn += 1) {
      await provider.reset();
      await provider.script({ toolCalls: [{ name: 'shot', arguments: { seed: turn, size } }] }, 'Seen.');
      const before = await rows.chars();
      const { body } = await service.post('/api/v1/run', {
        message: `Turn ${turn}`,
        agent: 'looks',
        session_id: 'album',
      });
      expect(body.status).toBe('completed');
      sizes.push((await rows.chars()) - before);
      runId = body.run_id;
    }
    const base64 = (size * 4) / 3;
    for (const chars of sizes) expect(chars / base64).toBeLessThan(2.2);
    expect(Math.abs((sizes.at(-1) ?? 0) - (sizes[1] ?? 0))).toBeLessThan(base64 / 10);

    type Item = { type: string; output: { image: unknown }[] };
    const results = (step: { [key: string]: unknown } = {}) =>
      (step.input as Item[])
        .filter(({ type }) => type === 'function_call_result')
        .map(({ output }) => output[0]?.image);
    const [first, , second] = await stepsOf(service, runId);
    const whole = (seed: number) => `data:image/png;base64,${Buffer.from(picture(seed, size)).toString('base64')}`;
    const bytes = whole(1).length;
    expect(results(first)[2]).toMatchObject({ $ref: { item: 11, path: ['output', 0, 'image'] }, bytes });
    const place = { step: 2, path: ['image', 'data', 'data'] };
    expect(results(second)).toMatchObject([{ $ref: place, prefix: 'data:image/png;base64,', bytes }]);
    const [, , expanded] = await stepsOf(service, runId, '?expand=input');
    expect(results(expanded)).toEqual([1, 2, 3, 4, 5, 6].map(whole));
  });

  test('a picture in the message is in the steps by reference, too', async () => {
    await using service = await start();
    const image = `data:image/png;base64,${Buffer.from(picture(1, 9_000)).toString('base64')}`;
    await provider.script('Seen.');
    const message = [{ type: 'input_image', image_url: image }];
    const { body } = await service.post('/api/v1/run', { message, agent: 'looks' });
    const [step] = await stepsOf(service, body.run_id);
    const place = { input: true, path: [0, 'content', 0, 'image'] };
    expect(step?.input).toMatchObject([{ content: [{ image: { $ref: place, bytes: image.length } }] }]);
    const [expanded] = await stepsOf(service, body.run_id, '?expand=input');
    expect(expanded?.input).toMatchObject([{ content: [{ image }] }]);
  });

  test('is shown in events with a description in the place of its bytes, and whole in the steps', async () => {
    await using service = await start();
    await provider.script(...calls('pages'));
    const { body } = await service.post('/api/v1/run', { message: 'Hi', agent: 'looks' });
    const events = await readEvents(await fetch(`${service.url}/api/v1/runs/${body.run_id}/events`)).all();
    const completed = events.find(({ event }) => event === 'tool.completed');
    expect(completed?.data.output).toMatch(
      /^\[\{"type":"text","text":"Two pages\."\},\{"type":"image","image":\{"data":"\[byte array .{0,120} … \(3000 bytes\)\]","mediaType":"image\/png"\}\},\{"type":"file","file":\{"data":"\[application\/pdf, 3000 bytes\]",/,
    );
    const [, step] = await stepsOf(service, body.run_id);
    const data = Buffer.from(picture(1, 3_000)).toString('base64');
    expect(step?.output).toMatchObject([
      { type: 'text' },
      { type: 'image', image: { data: { $type: 'bytes', of: 'Uint8Array', data } } },
      { type: 'file', file: { data } },
    ]);
  });

  test('ends the run if it is larger than TOOL_OUTPUT_MAX_BYTES, and the next turn knows that the tool was called', async () => {
    const file = join(folder, 'calls-large');
    await using service = await start({ TOOL_OUTPUT_MAX_BYTES: '4096', CALLS_FILE: file });
    await provider.script(...calls('shot', 1, 6_000));
    const run = { message: 'Hi', agent: 'looks', session_id: 'large' };
    const { status, body } = await service.post('/api/v1/run', run);
    expect([status, body.code]).toEqual([500, 'tool_output_too_large']);
    expect(body.detail).toMatch(/^The tool "shot" returned at least 8\d{3} bytes; 4096 bytes are the most/);
    expect(readFileSync(file, 'utf8')).toBe('shot\n');
    const [, step] = await stepsOf(service, body.run_id);
    expect(step).toMatchObject({
      status: 'completed',
      is_error: true,
      output: expect.stringContaining('was not kept'),
    });
    const { body: items } = await service.get('/api/v1/sessions/large/items');
    expect(JSON.stringify(items.data)).toContain('was not kept: 4096 bytes are the most.');
  });
});
