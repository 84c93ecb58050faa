/**
 * The lean client against the real one: the same calls of the same models of the SDK, against the same server, and what
 * comes of them compared to the last field. Where the two differ on purpose, a case says how.
 */
import { type ModelRequest, setTracingDisabled } from '@openai/agents';
import fc from 'fast-check';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  callItem,
  chatAnswer,
  chatChunk,
  chatDone,
  chatStream,
  chatToolCall,
  chatUsageChunk,
  messageItem,
  responseAnswer,
  responseBegun,
  responseCompleted,
  responseDelta,
  responseEvent,
  responseStream,
} from '../../../tests/support/model-answers.ts';
import { type CallCase, makeCall, type Outcome } from '../../../tests/support/model-calls.ts';
import {
  type Asked,
  cutOff,
  hang,
  json,
  type Respond,
  type ScriptedServer,
  startScriptedServer,
  stream,
} from '../../../tests/support/scripted-server.ts';
import type { ModelConnection } from './connection.ts';
import { type Client, createLeanClient } from './lean-client.ts';
import { createOpenAiClient } from './openai-client.ts';

setTracingDisabled(true);

/** What a case comes to in a word: an answer, or the class of its error. */
type Word = string;
/** How the two differ on purpose, and in what both are still the same; every row is explained in decision 0010. */
type Difference = { openai: Word; ours: Word };
type Case = CallCase & { name: string; respond: Respond; difference?: Difference; unsent?: true };

let server: ScriptedServer;
let openai: OpenAI;
let lean: Client;
let guarded: Client;

beforeAll(async () => {
  server = await startScriptedServer();
  const account = { organization: 'org-1', project: 'proj-1' };
  const { baseUrl } = server;
  openai = new OpenAI({ baseURL: baseUrl, apiKey: 'sk-1', ...account, maxRetries: 0, logLevel: 'off' });
  const connection: ModelConnection = { baseUrl, apiKey: 'sk-1', api: 'responses', ...account };
  lean = createLeanClient(connection);
  guarded = createOpenAiClient(connection);
});

afterAll(async () => {
  await lean.stop(AbortSignal.timeout(5_000));
  await server[Symbol.asyncDispose]();
});

/** Headers that say which client it is and what it could read; everything else is the same. */
const ownHeaders = /^(x-stainless-.*|accept-language|accept-encoding|sec-fetch-mode)$/;

const comparable = ({ headers, ...rest }: Asked) => ({
  ...rest,
  headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !ownHeaders.test(name))),
});

type Side = { requests: ReturnType<typeof comparable>[]; outcome: Outcome };

async function play(client: OpenAI, of: Case): Promise<Side> {
  const before = server.asked.length;
  const arrived = Promise.withResolvers<void>();
  server.respond = (response, asked) => {
    arrived.resolve();
    of.respond(response, asked);
  };
  const outcome = await makeCall(client, of, () => arrived.promise);
  return { requests: server.asked.slice(before).map(comparable), outcome };
}

const wordOf = ({ outcome }: Side): Word => (outcome.error === null ? 'an answer' : String(outcome.error.class));

async function compare(of: Case): Promise<void> {
  const theirs = await play(openai, of);
  const ours = await play(lean.sdk, of);
  const held = await play(guarded.sdk, of);
  expect(theirs.requests).toHaveLength(of.unsent ? 0 : 1); // a case that never reaches the server compares nothing
  expect(ours.requests).toEqual(theirs.requests);
  if (of.difference === undefined) expect(ours.outcome).toEqual(theirs.outcome);
  else expect({ openai: wordOf(theirs), ours: wordOf(ours) }).toEqual(of.difference);
  // Which of our two clients it is makes no difference to what counts as an answer.
  expect(wordOf(held)).toBe(wordOf(ours));
}

const each = (cases: Case[]) => {
  for (const of of cases) test(`${of.name} (${of.api}, ${of.streamed ? 'streamed' : 'whole'})`, () => compare(of));
};

const chat = { api: 'chat_completions', streamed: false } as const;
const response = { api: 'responses', streamed: false } as const;
const chatStreamed = { api: 'chat_completions', streamed: true } as const;
const responseStreamed = { api: 'responses', streamed: true } as const;
const all = [chat, chatStreamed, response, responseStreamed] as const;

/** Some whole answer, in the manner that was asked for. */
const someAnswer = ({ api, streamed }: CallCase): Respond => {
  if (streamed) return stream(api === 'responses' ? responseStream('ok') : chatStream('ok'));
  return json(api === 'responses' ? responseAnswer([messageItem('ok')]) : chatAnswer({ content: 'ok' }));
};

const tool = (name: string, strict = true) => ({
  type: 'function',
  name,
  description: `Does ${name}.`,
  strict,
  parameters: { type: 'object', properties: { a: { type: 'string' } }, required: ['a'], additionalProperties: false },
});

describe('the request is the same', () => {
  const requests: Record<string, object> = {
    plain: { systemInstructions: 'Be brief.' },
    'with letters of all kinds': { input: 'é 中 😀 "\\ \u2028' },
    'with tools': { tools: [tool('f'), tool('g', false)], modelSettings: { toolChoice: 'required' } },
    'with one tool to call': { tools: [tool('f')], modelSettings: { toolChoice: 'f', parallelToolCalls: false } },
    'with a schema for the answer': {
      outputType: { type: 'json_schema', name: 'o', strict: true, schema: { type: 'object', properties: {} } },
    },
    'with settings': {
      modelSettings: { temperature: 0.1, topP: 0.5, maxTokens: 9, store: false, reasoning: { effort: 'high' } },
    },
    'with fields, headers and a query of its own': {
      modelSettings: {
        providerData: {
          seed: 7,
          metadata: { a: 'b' },
          extraHeaders: { 'X-My': 'v', 'User-Agent': 'me', 'OpenAI-Project': null },
          extraQuery: { 'api-version': '1 2', flag: true },
          extraBody: { foo: 1 },
        },
      },
    },
    'with an image': {
      input: [
        {
          role: 'user',
          content: [
            { type: 'input_text', text: 'look' },
            { type: 'input_image', image: 'data:image/png;base64,AAAA' },
          ],
        },
      ],
    },
    'with a history': {
      input: [
        { role: 'user', content: 'x' },
        { type: 'function_call', callId: 'c1', name: 'f', arguments: '{"a":"1"}', status: 'completed' },
        { type: 'function_call_result', callId: 'c1', name: 'f', status: 'completed', output: 'r1' },
      ],
      tools: [tool('f')],
    },
  };
  const ofResponses: Record<string, object> = {
    'that goes on from a response': { previousResponseId: 'resp_0' },
    'of a conversation': { conversationId: 'conv_1' },
    'from a prompt': { prompt: { promptId: 'pmpt_1', version: '2', variables: { x: 'y' } } },
    'with a hosted tool': {
      tools: [{ type: 'hosted_tool', name: 'web_search', providerData: { type: 'web_search' } }],
    },
    'with reasoning': {
      input: [
        { role: 'user', content: 'x' },
        { type: 'reasoning', id: 'rs_1', content: [], providerData: { encrypted_content: 'zz' } },
      ],
    },
  };
  const entries = (of: Record<string, object>) => Object.entries(of) as [string, Partial<ModelRequest>][];
  each(
    all.flatMap((api) =>
      entries(api.api === 'responses' ? { ...requests, ...ofResponses } : requests).map(([name, request]) => ({
        ...api,
        name,
        request,
        respond: someAnswer(api),
      })),
    ),
  );
});

const calls = [chatToolCall('c1', 'f', '{"a":"1"}'), chatToolCall('c2', 'g', '')];
const keepUsage = { modelSettings: { preserveRawUsage: true } };

describe('the answer is the same', () => {
  each([
    { ...chat, name: 'text', respond: json(chatAnswer({ content: 'é 中 😀' })) },
    { ...chat, name: 'a refusal', respond: json(chatAnswer({ content: null, refusal: 'no' })) },
    { ...chat, name: 'calls', respond: json(chatAnswer({ content: null, tool_calls: calls }, 'tool_calls')) },
    { ...chat, name: 'text and calls', respond: json(chatAnswer({ content: 'x', tool_calls: calls })) },
    { ...chat, name: 'broken arguments', respond: json(chatAnswer({ tool_calls: [chatToolCall('c', 'f', '{"a')] })) },
    { ...chat, name: 'reasoning', respond: json(chatAnswer({ content: 'x', reasoning: 'since' })) },
    { ...chat, name: 'audio', respond: json(chatAnswer({ audio: { id: 'au', data: 'AA', transcript: 't' } })) },
    { ...chat, name: 'without usage', respond: json(chatAnswer({ content: 'x' }, 'stop', { usage: undefined })) },
    { ...chat, name: 'raw usage', request: keepUsage, respond: json(chatAnswer({ content: 'x' })) },
    { ...chat, name: 'a text that a limit cut', respond: json(chatAnswer({ content: 'x' }, 'length')) },
    { ...chat, name: 'nothing since a limit cut it', respond: json(chatAnswer({ content: null }, 'length')) },
    { ...chat, name: 'what a filter withheld', respond: json(chatAnswer({ content: null }, 'content_filter')) },
    { ...chat, name: 'a status of success of its own', respond: json(chatAnswer({ content: 'x' }), 201) },
    { ...response, name: 'text', respond: json(responseAnswer([messageItem('é 中 😀')])) },
    { ...response, name: 'two messages', respond: json(responseAnswer([messageItem('a'), messageItem('b')])) },
    {
      ...response,
      name: 'reasoning',
      respond: json(
        responseAnswer([
          { id: 'rs_1', type: 'reasoning', summary: [{ type: 'summary_text', text: 's' }], encrypted_content: 'e' },
          messageItem('x'),
        ]),
      ),
    },
    { ...response, name: 'calls', respond: json(responseAnswer([callItem('c1', 'f', '{}'), callItem('c2', 'g', '')])) },
    {
      ...response,
      name: 'a refusal',
      respond: json(responseAnswer([{ ...messageItem(''), content: [{ type: 'refusal', refusal: 'no' }] }])),
    },
    {
      ...response,
      name: 'a hosted tool',
      respond: json(
        responseAnswer([
          { id: 'ws', type: 'web_search_call', status: 'completed', action: { type: 'search', query: 'q' } },
        ]),
      ),
    },
    { ...response, name: 'raw usage', request: keepUsage, respond: json(responseAnswer([messageItem('x')])) },
    { ...response, name: 'nothing', respond: json(responseAnswer([])) },
    {
      ...response,
      name: 'a failure',
      respond: json(responseAnswer([], { status: 'failed', error: { code: 'server_error', message: 'm' } })),
    },
    {
      ...response,
      name: 'an incomplete one',
      respond: json(responseAnswer([], { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } })),
    },
  ]);

  const words = fc.string({ unit: 'grapheme', maxLength: 30 });

  test('whatever is in it', async () => {
    const toolCalls = fc.array(fc.record({ id: words, name: words, value: fc.json() }), { maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(words, toolCalls, fc.jsonValue(), async (content, called, extra) => {
        const tool_calls = called.map(({ id, name, value }) => chatToolCall(id, name, value));
        await compare({ ...chat, name: '', respond: json(chatAnswer({ content, tool_calls }, 'stop', { extra })) });
        const items = called.map(({ id, name, value }) => callItem(id, name, value));
        await compare({ ...response, name: '', respond: json(responseAnswer([messageItem(content), ...items])) });
      }),
      { numRuns: 30 },
    );
  });
});

const partialCall = (index: number, fields: object) => chatChunk({ tool_calls: [{ index, ...fields }] });

describe('the stream is the same', () => {
  const streams: Record<string, [CallCase, string]> = {
    text: [chatStreamed, chatStream('', 'h é', '中😀')],
    'without [DONE]': [chatStreamed, chatChunk({ content: 'x' }) + chatChunk({}, 'stop')],
    'without usage': [chatStreamed, chatChunk({ content: 'x' }) + chatChunk({}, 'stop') + chatDone],
    'usage before the end': [chatStreamed, chatUsageChunk + chatChunk({ content: 'x' }, 'stop') + chatDone],
    'no reason to finish but at the end': [
      chatStreamed,
      `data: {"id":"c1","choices":[{"index":0,"delta":{"content":"x"}}]}\n\n${chatChunk({}, 'stop')}${chatDone}`,
    ],
    'a refusal': [chatStreamed, chatChunk({ refusal: 'n' }) + chatChunk({ refusal: 'o' }, 'stop') + chatDone],
    'what a filter withheld': [chatStreamed, chatChunk({}, 'content_filter') + chatDone],
    reasoning: [chatStreamed, chatChunk({ reasoning: 'since' }) + chatChunk({ content: 'x' }, 'stop') + chatDone],
    calls: [
      chatStreamed,
      partialCall(0, { id: 'a', type: 'function', function: { name: 'f', arguments: '' } }) +
        partialCall(0, { function: { arguments: '{"a"' } }) +
        partialCall(1, { id: 'b', type: 'function', function: { name: 'g', arguments: '{}' } }) +
        partialCall(0, { function: { arguments: ':1}' } }) +
        chatChunk({}, 'tool_calls') +
        chatDone,
    ],
    'an error in it': [chatStreamed, `${chatChunk({ content: 'x' })}data: {"error":{"message":"m","code":"c"}}\n\n`],
    'an event named error': [chatStreamed, `${chatChunk({ content: 'x' })}event: error\ndata: {"message":"m"}\n\n`],
    'events after [DONE]': [chatStreamed, chatStream('x') + chatChunk({ content: 'y' })],
    'two choices': [
      chatStreamed,
      chatChunk({}, null, { choices: [{ index: 1, delta: { content: 'no' } }] }) + chatStream('x'),
    ],
    'text ': [responseStreamed, responseStream('h é', '中😀')],
    'a failure': [
      responseStreamed,
      responseBegun + responseEvent('response.failed', { response: responseAnswer([], { status: 'failed' }) }),
    ],
    'an incomplete one': [
      responseStreamed,
      responseBegun + responseEvent('response.incomplete', { response: responseAnswer([], { status: 'incomplete' }) }),
    ],
    'an error in it ': [responseStreamed, responseBegun + responseEvent('error', { code: 'c', message: 'm' })],
    'reasoning ': [
      responseStreamed,
      responseBegun +
        responseEvent('response.reasoning_summary_text.delta', { delta: 'since' }) +
        responseCompleted([{ id: 'rs_1', type: 'reasoning', summary: [] }, messageItem('x')]),
    ],
  };
  const rows = Object.entries(streams);
  each(rows.map(([name, [of, text]]) => ({ ...of, name, respond: stream(text) })));
  each(rows.map(([name, [of, text]]) => ({ ...of, name: `${name}, byte by byte`, respond: stream(text, [1]) })));
  each([
    { ...chatStreamed, name: 'raw usage', request: keepUsage, respond: stream(chatStream('x')) },
    { ...responseStreamed, name: 'raw usage', request: keepUsage, respond: stream(responseStream('x')) },
  ]);

  const piece = fc.oneof(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
    fc.constantFrom('\n', '\r\n', ':'),
  );
  const shape = fc.record({
    pieces: fc.array(piece, { minLength: 1, maxLength: 6 }),
    lengths: fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 12 }),
    lineEnd: fc.constantFrom('\n', '\r\n', '\r'),
    before: fc.constantFrom('', '\ufeff'),
    between: fc.constantFrom('', ': still there\n\n', 'id: 7\nretry: 3\n', ':\n'),
    space: fc.constantFrom(' ', ''),
    lastLineEnd: fc.boolean(),
  });

  test('however it is cut, and whatever stands between its events', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(chatStreamed, responseStreamed), shape, async (of, shaped) => {
        const { pieces, lengths, lineEnd, before, between, space, lastLineEnd } = shaped;
        const text = of.api === 'responses' ? responseStream(...pieces) : chatStream(...pieces);
        const events = text.trimEnd().split('\n\n');
        const sent = (between + events.join(`\n\n${between}`)).replaceAll('data: ', `data:${space}`);
        const whole = before + (sent + (lastLineEnd ? '\n\n' : '')).replaceAll('\n', lineEnd);
        await compare({ ...of, name: '', respond: stream(whole, lengths) });
      }),
      { numRuns: 80 },
    );
  });

  test('also where an event has several lines of data', () =>
    compare({
      ...chatStreamed,
      name: '',
      respond: stream(
        `data: {"id":"c1","choices":[\ndata: {"index":0,"delta":{"content":"x"},"finish_reason":"stop"}]}\n\n`,
      ),
    }));
});

describe('the error is the same', () => {
  const statuses = [400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 529];
  const error = { message: 'm', type: 't', code: 'c', param: 'p' };
  each(
    all
      .flatMap((of) => [
        ...statuses.map((status) => ({
          ...of,
          name: `status ${status}`,
          respond: json({ error }, status, { 'retry-after': '7', 'x-should-retry': status === 500 ? 'false' : '' }),
        })),
        { ...of, name: 'a page', respond: json('<html>no</html>', 502, { 'content-type': 'text/html' }) },
        { ...of, name: 'no body', respond: json('', 500) },
        { ...of, name: 'no connection', respond: (res: Parameters<Respond>[0]) => void res.socket?.resetAndDestroy() },
        {
          ...of,
          name: 'an abort before the call',
          abort: 'before' as const,
          unsent: true as const,
          respond: someAnswer(of),
        },
        { ...of, name: 'an abort while it waits', abort: 0, respond: () => {} },
      ])
      .map((of) =>
        of.name === 'no connection'
          ? { ...of, difference: { openai: 'APIConnectionError', ours: 'APIConnectionError' } }
          : of,
      ),
  );

  test('whatever the provider says', async () => {
    const body = fc.oneof(
      fc.json(),
      fc.string(),
      fc.record({ error: fc.jsonValue() }).map((each) => JSON.stringify(each)),
    );
    const status = fc.integer({ min: 400, max: 599 }).filter((each) => each !== 407); // which `fetch` keeps to itself
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...all), status, body, async (of, code, text) => {
        await compare({ ...of, name: '', respond: json(text, code) });
      }),
      { numRuns: 40 },
    );
  });
});

describe('a call that nobody waits for any more', () => {
  const begun = { chat_completions: chatChunk({ content: 'x' }), responses: responseBegun + responseDelta('x') };
  const parts = [chatStreamed, responseStreamed].flatMap((of): Case[] => [
    { ...of, name: 'because of an abort in the middle of its stream', abort: 2, respond: hang(begun[of.api]) },
    { ...of, name: 'because its reader breaks off', breakAfter: 2, respond: hang(begun[of.api]) },
  ]);
  const waiting = [chat, response].map(
    (of): Case => ({ ...of, name: 'because of an abort', abort: 0, respond: () => {} }),
  );
  for (const of of [...parts, ...waiting]) {
    test(`${of.name} loses its connection (${of.api})`, async () => {
      const theirs = await play(openai, of);
      const closed = server.closed();
      const ours = await play(lean.sdk, of);
      await closed;
      expect(ours).toEqual(theirs);
    });
  }
});

describe('on purpose', () => {
  const page: Respond = json('<html>Please sign in.</html>', 200, { 'content-type': 'text/html' });
  const cutStream = { chat_completions: chatChunk({ content: 'x' }), responses: responseBegun };
  const streamed = [chatStreamed, responseStreamed];
  const whole = [chat, response];
  const answered = (ours: Word): Difference => ({ openai: 'an answer', ours });
  each([
    { ...chat, name: 'a page', respond: page, difference: answered('MalformedAnswerError') },
    { ...response, name: 'a page', respond: page, difference: { openai: 'TypeError', ours: 'MalformedAnswerError' } },
    { ...chatStreamed, name: 'a page', respond: page, difference: answered('MalformedAnswerError') },
    { ...responseStreamed, name: 'a page', respond: page, difference: answered('MalformedAnswerError') },
    ...whole.map((of) => ({
      ...of,
      name: 'no body',
      respond: json(''),
      difference: { openai: 'TypeError', ours: 'MalformedAnswerError' },
    })),
    ...whole.map((of) => ({
      ...of,
      name: 'half of the JSON',
      respond: json('{"id": "x", "outp'),
      difference: { openai: 'SyntaxError', ours: 'MalformedAnswerError' },
    })),
    ...whole.map((of) => ({
      ...of,
      name: 'a connection lost in the middle',
      respond: cutOff('{"id":', 'application/json'),
      difference: { openai: 'TypeError', ours: 'TruncatedAnswerError' },
    })),
    ...streamed.map((of) => ({
      ...of,
      name: 'a connection lost in the middle',
      respond: cutOff(cutStream[of.api], 'text/event-stream'),
      difference: { openai: 'TypeError', ours: 'TruncatedAnswerError' },
    })),
    ...streamed.map((of) => ({
      ...of,
      name: 'a stream that ends before its answer does',
      respond: stream(cutStream[of.api]),
      difference: answered('TruncatedAnswerError'),
    })),
    ...streamed.map((of) => ({
      ...of,
      name: 'a stream without events',
      respond: stream(''),
      difference: answered('TruncatedAnswerError'),
    })),
    ...streamed.map((of) => ({
      ...of,
      name: 'an event that is not JSON',
      respond: stream(`${cutStream[of.api]}data: {"oops"\n\n`),
      difference: { openai: 'SyntaxError', ours: 'MalformedAnswerError' },
    })),
    {
      ...chatStreamed,
      name: '[DONE] without a reason to finish',
      respond: stream(chatChunk({ content: 'x' }) + chatDone),
      difference: answered('TruncatedAnswerError'),
    },
    {
      ...chatStreamed,
      name: 'arguments that a limit cut',
      respond: stream(
        partialCall(0, { id: 'a', type: 'function', function: { name: 'f', arguments: '{"a' } }) +
          chatChunk({}, 'length') +
          chatDone,
      ),
      difference: answered('TruncatedAnswerError'),
    },
    {
      ...chat,
      name: 'arguments that a limit cut',
      respond: json(chatAnswer({ content: null, tool_calls: [chatToolCall('c', 'f', '{"a')] }, 'length')),
      difference: answered('TruncatedAnswerError'),
    },
    {
      ...chat,
      name: 'no choice',
      respond: json(chatAnswer({}, 'stop', { choices: [] })),
      difference: answered('MalformedAnswerError'),
    },
    {
      ...chat,
      name: 'an error with a status of success',
      respond: json({ error: { message: 'm', code: 'c' } }),
      difference: answered('APIError'),
    },
    {
      ...response,
      name: 'an error with a status of success',
      respond: json({ error: { message: 'm', code: 'c' } }),
      difference: { openai: 'TypeError', ours: 'APIError' },
    },
  ]);
});
