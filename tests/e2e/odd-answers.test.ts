/** Odd answers of model servers, on their way through the whole service. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  chatAnswer,
  chatChunk,
  chatDone,
  messageItem,
  responseAnswer,
  responseCompleted,
} from '../support/model-answers.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { json, type ScriptedServer, startScriptedServer, stream } from '../support/scripted-server.ts';
import { type ServiceUnderTest, startService } from '../support/service.ts';
import { readEvents } from '../support/sse.ts';

type Item = Record<string, unknown>;
type Body = { stream?: boolean; input?: Item[]; messages?: Item[]; instructions?: string };
type Api = 'chat_completions' | 'responses';
type Answer = Record<Api, { streamed: string; whole: object }>;

const usage = { prompt_tokens: 5.5, completion_tokens: '3', total_tokens: -1 };
const args = { order_id: '1' };

/** A text with the call of a tool, as a gateway before Anthropic may send it: a part, no id, blanks around the name. */
function calling(name: string, given: object = args): Answer {
  const content = [
    { type: 'text', text: 'I look. ' },
    { type: 'tool_use', name: ` ${name} `, input: given },
  ];
  const item = { type: 'message', role: 'assistant', content };
  return {
    chat_completions: {
      streamed: chatChunk({ content }, 'tool_use', { usage, error: {} }) + chatDone,
      whole: chatAnswer({ content }, 'tool_use', { usage, error: {} }),
    },
    responses: {
      streamed: responseCompleted([item]),
      whole: responseAnswer([item], { usage: { input_tokens: 5.5, output_tokens: '3' }, error: {} }),
    },
  };
}

const saying = (text: string): Answer => ({
  chat_completions: {
    streamed: chatChunk({ content: text }, null, { usage }) + chatChunk({}, 'stop') + chatDone,
    whole: chatAnswer({ content: [{ type: 'text', text }] }, 'STOP', { usage }),
  },
  responses: {
    streamed: responseCompleted([messageItem(text)]),
    whole: responseAnswer([messageItem(text)], { usage: { input_tokens: 1e20, output_tokens: 3 } }),
  },
});

let first: ScriptedServer;
let second: ScriptedServer;
beforeAll(async () => {
  [first, second] = await Promise.all([startScriptedServer(), startScriptedServer()]);
});
beforeEach(() => {
  for (const server of [first, second]) server.asked.length = 0;
});
afterAll(() => Promise.all([first?.[Symbol.asyncDispose](), second?.[Symbol.asyncDispose]()]));

const isModelCall = ({ method }: { method: string }) => method === 'POST';
const bodiesOf = ({ asked }: ScriptedServer): Body[] => asked.filter(isModelCall).map(({ body }) => JSON.parse(body));
const itemsOf = ({ input, messages }: Body): Item[] => input ?? messages ?? [];
const isResult = ({ role, type }: Item): boolean => role === 'tool' || type === 'function_call_output';

/** Answers each request with what a function chooses by its body. */
function answering(server: ScriptedServer, api: Api, choose: (body: Body) => Answer): void {
  server.respond = (response) => {
    const last = server.asked.at(-1);
    if (last?.method !== 'POST') return json({ object: 'list', data: [] })(response);
    const body = JSON.parse(last.body) as Body;
    const { streamed, whole } = choose(body)[api];
    (body.stream === true ? stream(streamed) : json(whole))(response);
  };
}

/** A call in the first turn after each message of the user, and then an answer. */
const callsOnce = (name: string) => (body: Body) =>
  isResult(itemsOf(body).at(-1) ?? {}) ? saying('Done.') : calling(name);

/** The ids of calls and of results in a request, as its API pairs them. */
function pairsIn(body: Body): { calls: unknown[]; results: unknown[] } {
  const items = itemsOf(body);
  const inMessages = items.flatMap(({ tool_calls: calls }) => (calls ?? []) as Item[]);
  const calls = [
    ...inMessages.map(({ id }) => id),
    ...items.filter(({ type }) => type === 'function_call').map((each) => each.call_id),
  ];
  return { calls, results: items.filter(isResult).map((each) => each.tool_call_id ?? each.call_id) };
}

/** Every call in a request has one result, a text or a call has no part that servers do not take, and no name has blanks. */
function expectValidHistory(body: Body): void {
  const { calls, results } = pairsIn(body);
  expect(calls.length).toBeGreaterThan(0);
  expect(new Set(calls).size).toBe(calls.length);
  expect(results).toEqual(calls);
  const text = JSON.stringify(itemsOf(body));
  for (const odd of ['tool_use', '" lookup', 'order "', '[object']) expect(text).not.toContain(odd);
}

const ways = (['chat_completions', 'responses'] as const).flatMap((api) =>
  (['auto', 'openai'] as const).map((transport) => ({ api, transport })),
);

describe.each(ways)('over $api, by MODEL_TRANSPORT=$transport', ({ api, transport }) => {
  let service: ServiceUnderTest;
  beforeAll(async () => {
    service = await startService({
      env: {
        OPENAI_BASE_URL: first.baseUrl,
        OPENAI_API_KEY: 'sk-test',
        OPENAI_API: api,
        MODEL_TRANSPORT: transport,
        FALLBACK_OPENAI_BASE_URL: second.baseUrl,
        FALLBACK_OPENAI_API_KEY: 'sk-second',
        FALLBACK_OPENAI_API: api,
      },
    });
  });
  afterAll(() => service?.[Symbol.asyncDispose]());

  const ask = (path: string, more: object = {}) =>
    service.post(path, { message: 'Where is it?', agent: 'orders', ...more });

  test('odd calls are carried out, and come back to the server as it takes them, also in the next run of the session', async () => {
    answering(first, api, callsOnce('lookup_order'));
    const session = { session_id: 'odd' };
    const one = await ask('/api/v1/run', session);
    expect([one.status, one.body.response]).toEqual([200, 'Done.']);
    const streamed = await ask('/api/v1/run/stream', session);
    expect(streamed.text).toContain('run.completed');
    const bodies = bodiesOf(first);
    expect(bodies).toHaveLength(4);
    for (const body of [bodies[1], bodies[2], bodies[3]]) expectValidHistory(body as Body);
    expect(pairsIn(bodies[3] as Body).calls).toHaveLength(2);
  });

  test('odd calls of a run in the background are carried out', async () => {
    answering(first, api, callsOnce('lookup_order'));
    const { status, body } = await ask('/api/v1/runs');
    expect(status).toBe(202);
    await readEvents(await fetch(`${service.url}/api/v1/runs/${body.run_id}/events`)).all();
    const ended = await service.get(`/api/v1/runs/${body.run_id}`);
    expect([ended.body.status, ended.body.response]).toEqual(['completed', 'Done.']);
  });

  test('an odd handoff is carried out', async () => {
    answering(first, api, callsOnce('transfer_to_orders'));
    const { status, body } = await ask('/api/v1/run', { agent: 'triage' });
    expect([status, body.response, body.last_agent]).toEqual([200, 'Done.', 'orders']);
    expectValidHistory(bodiesOf(first)[1] as Body);
  });

  test('a run that waited for an approval of an odd call goes on', async () => {
    answering(first, api, callsOnce('refund'));
    const { status, body } = await ask('/api/v1/run');
    expect([status, body.status]).toEqual([202, 'requires_action']);
    const { items } = body.required_action as { items: { call_id: string; tool: string }[] };
    expect(items.map((each) => each.tool)).toEqual(['refund']);
    const decisions = items.map(({ call_id }) => ({ call_id, decision: 'approve' }));
    await service.post(`/api/v1/runs/${body.run_id}/decisions`, { decisions });
    await readEvents(await fetch(`${service.url}/api/v1/runs/${body.run_id}/events`)).all();
    const ended = await service.get(`/api/v1/runs/${body.run_id}`);
    expect([ended.body.status, ended.body.response]).toEqual(['completed', 'Done.']);
    expectValidHistory(bodiesOf(first)[1] as Body);
  });

  test('a call of an unknown tool is answered by the next provider, or ends the run as tool_not_found', async () => {
    answering(first, api, () => calling('drop_order'));
    answering(second, api, () => saying('Shipped.'));
    const { body } = await ask('/api/v1/run');
    expect([body.status, body.response]).toEqual(['completed', 'Shipped.']);
    answering(second, api, () => calling('drop_order'));
    const failed = await ask('/api/v1/run');
    expect([failed.status, failed.body.code]).toEqual([502, 'tool_not_found']);
    expect(failed.body.detail).toBe('The model called the tool "drop_order", which the agent "orders" does not have.');
    expect([bodiesOf(first).length, bodiesOf(second).length]).toEqual([4, 2]);
  });
});

describe('counts of tokens that are none', () => {
  test('are mended on Postgres too, and no other run suffers', async () => {
    await using database = await createTestDatabase();
    for (const api of ['chat_completions', 'responses'] as const) {
      await using service = await startService({
        env: { OPENAI_BASE_URL: first.baseUrl, OPENAI_API_KEY: 'sk-test', OPENAI_API: api, DATABASE_URL: database.url },
      });
      for (const odd of [5.5, 1e20, -1, '5', '5.5', 'x', null, {}, [5], true]) {
        const names = api === 'responses' ? ['input_tokens', 'output_tokens'] : ['prompt_tokens', 'completion_tokens'];
        const counts = { [names[0] as string]: odd, [names[1] as string]: 3, total_tokens: odd };
        const whole = saying('Hello')[api].whole;
        first.respond = json({ ...whole, usage: counts });
        const { status, body } = await service.post('/api/v1/run', { message: 'Hi', agent: 'orders' });
        expect([status, body.status, body.response], JSON.stringify(odd)).toEqual([200, 'completed', 'Hello']);
        const { output_tokens: output } = body.usage as { output_tokens: number };
        expect(output).toBe(3);
      }
    }
  });
});
