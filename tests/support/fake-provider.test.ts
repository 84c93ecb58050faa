import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import OpenAI, { APIConnectionError } from 'openai';
import type { Response } from 'openai/resources/responses/responses';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { spawnProcess } from './child-processes.ts';
import { countTokens, type FakeProvider, recordedRequestsMax, startFakeProvider } from './fake-provider.ts';

let provider: FakeProvider;
let client: OpenAI;

beforeAll(async () => {
  provider = await startFakeProvider();
  client = new OpenAI({ baseURL: provider.baseUrl, apiKey: 'sk-test', maxRetries: 0 });
});
beforeEach(() => provider.reset());
afterAll(() => provider[Symbol.asyncDispose]());

const model = 'gpt-4.1';
const respond = (input: string) => client.responses.create({ model, input });
const chat = (content: string) => client.chat.completions.create({ model, messages: [{ role: 'user', content }] });
const error = (request: Promise<unknown>) =>
  request.then(
    () => undefined,
    (thrown) => thrown,
  );

async function collect<T>(stream: Promise<AsyncIterable<T>>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of await stream) all.push(item);
  return all;
}

const streamResponse = (input: string) => collect(client.responses.create({ model, input, stream: true }));
const streamChat = (content: string) =>
  collect(
    client.chat.completions.create({
      model,
      messages: [{ role: 'user', content }],
      stream: true,
      stream_options: { include_usage: true },
    }),
  );

/** A copy without ids, which differ where the requests do, and without what the client adds to what it parsed. */
function withoutIds(value: unknown): unknown {
  const dropped = new Set(['id', 'call_id', 'parsed', 'parsed_arguments']);
  return JSON.parse(JSON.stringify(value, (key, inner) => (dropped.has(key) ? undefined : inner)));
}

describe('answers', () => {
  test('a queued text is the answer, with usage counted in words', async () => {
    await provider.script('It left today.', 'It left today.');
    const response = await respond('Where is my order?');
    expect(response.output_text).toBe('It left today.');
    expect(response.usage).toMatchObject({ input_tokens: 4, output_tokens: 3, total_tokens: 7 });
    const completion = await chat('Where is my order?');
    expect(completion.choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: 'It left today.' } });
    expect(completion.usage).toMatchObject({ prompt_tokens: 4, completion_tokens: 3, total_tokens: 7 });
  });

  test('a streamed response sends every event in order, numbered from 0', async () => {
    await provider.script('It left.');
    const events = await streamResponse('Where?');
    expect(events.map(({ type }) => type.replace('response.', ''))).toEqual([
      'created',
      'in_progress',
      'output_item.added',
      'content_part.added',
      'output_text.delta',
      'output_text.delta',
      'output_text.done',
      'content_part.done',
      'output_item.done',
      'completed',
    ]);
    expect(events.map((event) => 'sequence_number' in event && event.sequence_number)).toEqual([...events.keys()]);
    expect(events.at(-1)).toMatchObject({ response: { status: 'completed', usage: { total_tokens: 3 } } });
  });

  test('a streamed tool call of the Responses API comes in fragments that make up its arguments', async () => {
    await provider.script({ toolCalls: [{ name: 'lookup_order', arguments: { order_id: '1001' } }] });
    const events = await streamResponse('Where?');
    const deltas = events.flatMap((e) => (e.type === 'response.function_call_arguments.delta' ? [e.delta] : []));
    expect(deltas.length).toBeGreaterThan(1);
    expect(deltas.join('')).toBe('{"order_id":"1001"}');
    expect(events.find(({ type }) => type === 'response.output_item.done')).toMatchObject({
      item: { type: 'function_call', name: 'lookup_order', status: 'completed', arguments: '{"order_id":"1001"}' },
    });
  });

  test('streamed parallel tool calls of Chat Completions carry their index, and their id and name once', async () => {
    await provider.script({
      text: 'Looking.',
      toolCalls: [
        { name: 'a', arguments: { long: 'argument' } },
        { name: 'b', callId: 'call_b' },
      ],
    });
    const chunks = await streamChat('Where?');
    const calls = chunks.flatMap((chunk) => chunk.choices[0]?.delta.tool_calls ?? []);
    expect(calls.filter(({ id }) => id !== undefined).map(({ index, function: f }) => [index, f?.name])).toEqual([
      [0, 'a'],
      [1, 'b'],
    ]);
    const first = calls.filter(({ index }) => index === 0);
    expect(first.map(({ function: called }) => called?.arguments).join('')).toBe('{"long":"argument"}');
    expect(calls.findLast(({ id }) => id)?.id).toBe('call_b');
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('tool_calls');
  });

  test('a chat stream tells usage once, in a last chunk without choices, and only when asked to', async () => {
    const chunks = await streamChat('[[text hi]]');
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 1 } });
    expect(chunks.slice(0, -1).every(({ usage }) => usage === null)).toBe(true);
    const messages = [{ role: 'user' as const, content: '[[text hi]]' }];
    const plain = await collect(client.chat.completions.create({ model, messages, stream: true }));
    expect(plain.every((chunk) => chunk.choices.length === 1 && !('usage' in chunk))).toBe(true);
  });

  test("the client's own stream readers put the same answer together as comes without a stream", async () => {
    const input = '[[text One moment.]]+[[tool a {"order_id":"1001"}]]+[[tool b {}]]';
    const streamed = await client.responses.stream({ model, input }).finalResponse();
    const { output, usage } = await respond(input);
    expect(withoutIds(streamed.output)).toEqual(withoutIds(output));
    expect(streamed.usage).toEqual(usage);
    const messages = [{ role: 'user' as const, content: input }];
    const [choice] = (await client.chat.completions.stream({ model, messages }).finalChatCompletion()).choices;
    const [whole] = (await chat(input)).choices;
    expect(withoutIds(choice?.message.tool_calls)).toMatchObject(withoutIds(whole?.message.tool_calls) as object);
    expect(choice?.message.content).toBe('One moment.');
  });

  test('an answer cut off at the token limit and one withheld say so in both APIs', async () => {
    await provider.script({ text: 'Half', finish: 'length' }, { finish: 'content_filter' });
    expect(await respond('Hi')).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
    });
    expect((await streamResponse('Hi')).at(-1)).toMatchObject({
      type: 'response.incomplete',
      response: { incomplete_details: { reason: 'content_filter' } },
    });
    await provider.script({ text: 'Half', finish: 'length' }, { finish: 'content_filter' });
    expect((await chat('Hi')).choices[0]?.finish_reason).toBe('length');
    expect((await streamChat('Hi')).at(-2)?.choices[0]?.finish_reason).toBe('content_filter');
  });

  test('a refusal is no text', async () => {
    await provider.script({ refusal: 'I will not.' }, { refusal: 'I will not.' });
    const response = await respond('Hi');
    expect(response.output_text).toBe('');
    expect(response.output[0]).toMatchObject({ content: [{ type: 'refusal', refusal: 'I will not.' }] });
    expect((await chat('Hi')).choices[0]?.message).toMatchObject({ content: null, refusal: 'I will not.' });
  });

  test('the same request gets the same answer, ids included, and its own request id', async () => {
    const [first, second] = [await respond('[[tool a {}]]'), await respond('[[tool a {}]]')];
    expect(second).toEqual(first);
    expect(second._request_id).not.toBe(first._request_id);
    expect((await respond('[[tool b {}]]')).id).not.toBe(first.id);
  });

  test('usage can be overridden, and left out', async () => {
    await provider.script({ text: 'a b', usage: { cachedInputTokens: 5, inputTokens: 10 } }, { usage: null });
    expect((await respond('Hi')).usage).toMatchObject({
      input_tokens: 10,
      input_tokens_details: { cached_tokens: 5 },
      total_tokens: 12,
    });
    expect(await respond('Hi')).not.toHaveProperty('usage');
  });

  test('a conversation goes on from a response that is named by its id', async () => {
    const first = await respond('[[tool a {}]]');
    const output = { type: 'function_call_output' as const, call_id: `call_${first.id.slice(5)}`, output: 'done' };
    const next = { model, previous_response_id: first.id, input: [output] };
    expect((await client.responses.create(next)).output_text).toBe('The tool answered: done');
  });

  test('without a script and directives the answer repeats the message', async () => {
    expect((await respond('Hello')).output_text).toBe('You said: Hello');
  });
});

describe('scripts', () => {
  test('the first rule that matches answers, and only as often as it may; the queue answers the rest', async () => {
    await provider.script(
      { when: { lastUserContains: 'order' }, reply: 'About an order.', times: 1 },
      { when: { model: 'other' }, reply: 'Another model.' },
      { when: { agentInstructionsContain: 'brief' }, reply: 'Ok.' },
      'Queued.',
    );
    expect((await respond('My order?')).output_text).toBe('About an order.');
    expect((await respond('My order?')).output_text).toBe('Queued.');
    expect((await client.responses.create({ model: 'other', input: 'Hi' })).output_text).toBe('Another model.');
    expect((await client.responses.create({ model, input: 'Hi', instructions: 'Be brief.' })).output_text).toBe('Ok.');
  });

  test('a rule for the nth request answers that one alone', async () => {
    await provider.script({ when: { lastUserContains: 'Hi', nth: 2 }, reply: 'Second.' });
    expect((await respond('Hi')).output_text).toBe('You said: Hi');
    expect((await respond('Hi')).output_text).toBe('Second.');
    expect((await respond('Hi')).output_text).toBe('You said: Hi');
  });

  test('a directive that fails a number of times does so for each request on its own', async () => {
    const ask = (text: string) => respond(`[[fail 503 1]][[text ${text}]]`).then((r) => r.output_text);
    expect(await error(ask('a'))).toMatchObject({ status: 503 });
    expect(await error(ask('b'))).toMatchObject({ status: 503 });
    expect([await ask('a'), await ask('b')]).toEqual(['a', 'b']);
  });

  test('a misspelt field is refused with the names that exist', async () => {
    const misspelt = { txt: 'Hi' } as unknown as string;
    expect(await error(provider.script(misspelt))).toMatchObject({ message: expect.stringContaining('no txt') });
    const rule = { when: { modell: 'x' }, reply: 'Hi' } as unknown as string;
    expect(await error(provider.script(rule))).toMatchObject({ message: expect.stringContaining('no modell') });
  });

  test('the list of models is a rule of its own and takes nothing from the queue', async () => {
    await provider.script('Queued.', { when: { api: 'models' }, reply: { error: { status: 503 } }, times: 1 });
    expect(await error(client.models.list())).toMatchObject({ status: 503 });
    expect((await client.models.list()).data).toMatchObject([{ id: 'gpt-4.1', object: 'model' }]);
    expect((await respond('Hi')).output_text).toBe('Queued.');
  });
});

describe('requests that are wrong', () => {
  const post = (path: string, body: object) => error(client.post(path, { body }));

  test('are refused as OpenAI refuses them', async () => {
    expect(await post('/responses', { input: 'Hi' })).toMatchObject({ status: 400, param: 'model' });
    expect(await post('/responses', { model })).toMatchObject({ status: 400, param: 'input' });
    expect(await post('/chat/completions', { model })).toMatchObject({ status: 400, param: 'messages' });
    expect(await post('/chat/completions', { model, messages: [null] })).toMatchObject({ status: 400 });
    expect(await post('/nothing', {})).toMatchObject({ status: 404, type: 'invalid_request_error' });
    const { stats } = await provider.waitFor((seen) => seen.stats.inFlight === 0);
    expect(stats).toMatchObject({ requests: 5, completed: 5, byStatus: { 400: 4, 404: 1 } });
  });

  test('a tool result without its call, and a call without its result, are refused in both APIs', async () => {
    const output = { type: 'function_call_output', call_id: 'call_1', output: 'x' };
    const call = { type: 'function_call', call_id: 'call_1', name: 'a', arguments: '{}' };
    expect(await post('/responses', { model, input: [output] })).toMatchObject({
      status: 400,
      message: expect.stringContaining('No tool call found for function call output with call_id call_1'),
    });
    expect(await post('/responses', { model, input: [call] })).toMatchObject({ status: 400 });
    const toolMessage = { role: 'tool', tool_call_id: 'call_1', content: 'x' };
    const toolCalls = [{ id: 'call_1', type: 'function', function: { name: 'a', arguments: '{}' } }];
    const assistant = { role: 'assistant', tool_calls: toolCalls };
    expect(await post('/chat/completions', { model, messages: [toolMessage] })).toMatchObject({ status: 400 });
    expect(await post('/chat/completions', { model, messages: [assistant] })).toMatchObject({ status: 400 });
    expect(await post('/chat/completions', { model, messages: [assistant, toolMessage] })).toBeUndefined();
  });

  test('a wrong key is 401 and an unknown model 404, where the options name keys and models', async () => {
    await using strict = await startFakeProvider({ apiKey: 'sk-right', models: ['known'], freshIds: true });
    const ask = (apiKey: string, name: string) =>
      new OpenAI({ baseURL: strict.baseUrl, apiKey, maxRetries: 0 }).responses.create({ model: name, input: 'Hi' });
    expect(await error(ask('sk-wrong', 'known'))).toMatchObject({ status: 401, code: 'invalid_api_key' });
    expect(await error(ask('sk-right', 'unknown'))).toMatchObject({ status: 404, code: 'model_not_found' });
    const [first, second]: Response[] = [await ask('sk-right', 'known'), await ask('sk-right', 'known')];
    expect(first?.id).not.toBe(second?.id);
  });
});

describe('recording', () => {
  test('every request is kept with its headers, its body and when what happened', async () => {
    await provider.script({ text: 'a b' });
    await client.responses.create({ model, input: 'Hi', stream: true }, { headers: { 'x-tenant': 'blue' } });
    const { requests, stats } = await provider.waitFor((seen) => seen.stats.completed === 1);
    expect(requests[0]).toMatchObject({
      number: 1,
      path: '/v1/responses',
      headers: { authorization: 'Bearer sk-test', 'x-tenant': 'blue' },
      body: { model, input: 'Hi' },
      streamed: true,
      source: 'queue',
      status: 200,
      outcome: 'completed',
      tokensSent: 2,
    });
    const { receivedAtMs, headersAtMs, firstTokenAtMs, endedAtMs } = requests[0] ?? {};
    const times = [receivedAtMs, headersAtMs, firstTokenAtMs, endedAtMs];
    expect(times).toEqual([...times].sort((a, b) => Number(a) - Number(b)));
    expect(stats).toMatchObject({ requests: 1, inFlight: 0, byPath: { '/v1/responses': 1 }, byModel: { [model]: 1 } });
  });

  test('no more requests are kept than the limit, and the counts go on', async () => {
    const batch = async (size: number) => void (await Promise.all(Array.from({ length: size }, () => respond('Hi'))));
    for (let sent = 0; sent < recordedRequestsMax; sent += 50) await batch(50);
    await batch(10);
    expect((await provider.stats()).requests).toBe(recordedRequestsMax + 10);
    const requests = await provider.requests();
    expect(requests.length).toBe(recordedRequestsMax);
    expect(requests[0]?.number).toBe(11);
  });
});

describe('holds', () => {
  test('a reply waits at its hold until it is released, before the headers or between two tokens', async () => {
    await provider.script({ text: 'a b c', hold: [{ name: 'start' }, { name: 'middle', afterTokens: 2 }] });
    const stream = client.responses.create({ model, input: 'Hi', stream: true });
    await provider.held('start');
    expect((await provider.requests())[0]).toMatchObject({ status: null, outcome: 'in_flight' });
    await provider.release('start');
    await provider.held('middle');
    expect((await provider.requests())[0]).toMatchObject({ status: 200, tokensSent: 2 });
    await provider.release('middle');
    expect((await collect(stream)).at(-1)).toMatchObject({ response: { status: 'completed' } });
  });

  test('a release with a number lets only that many through', async () => {
    await provider.script({ reply: { text: 'Hi', hold: 'gate' } });
    const answers = [respond('1'), respond('2'), respond('3')];
    await provider.held('gate', 3);
    await provider.release('gate', 1);
    const { stats } = await provider.waitFor((seen) => seen.stats.completed === 1);
    expect(stats).toMatchObject({ held: { gate: 2 }, inFlight: 2, inFlightMax: 3 });
    await provider.release('gate');
    expect((await Promise.all(answers)).length).toBe(3);
  });
});

describe('the process', () => {
  test('while the provider is down connections are refused; up again, it answers on the same port', async () => {
    await provider.down();
    expect(await error(respond('Hi'))).toBeInstanceOf(APIConnectionError);
    await provider.up();
    expect((await respond('Hi')).output_text).toBe('You said: Hi');
  });

  test('a reset drops what is under way and forgets the rest', async () => {
    await provider.script({ text: 'Hi', hold: 'gate' });
    const dropped = error(respond('Hi'));
    await provider.held('gate');
    await provider.reset();
    expect(await dropped).toBeInstanceOf(APIConnectionError);
    expect(await provider.stats()).toMatchObject({ requests: 0, inFlight: 0, held: {} });
  });

  const start = async (): Promise<ChildProcess> => {
    const main = fileURLToPath(new URL('./fake-provider/main.ts', import.meta.url));
    const child = spawnProcess(process.execPath, [main], { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(child.stdout as NodeJS.ReadableStream, 'data');
    return child;
  };

  test('it ends by itself when the process that started it goes away', async () => {
    const child = await start();
    child.stdin?.end();
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  test('it ends on SIGTERM', async () => {
    const child = await start();
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });
});

test('tokens are words', () => {
  expect([countTokens(''), countTokens(' one  two\nthree ')]).toEqual([0, 3]);
});
