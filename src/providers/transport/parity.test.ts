/** The lean client makes the same requests, answers and errors as the `openai` client: `tests/support/parity.ts`. */
import type { ModelRequest } from '@openai/agents';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, test } from 'vitest';
import {
  callItem,
  chatAnswer,
  chatStream,
  chatToolCall,
  messageItem,
  responseAnswer,
  responseStream,
} from '../../../tests/support/model-answers.ts';
import type { CallCase } from '../../../tests/support/model-calls.ts';
import {
  chat,
  chatStreamed,
  type Parity,
  type ParityCase,
  response,
  responseStreamed,
  startParity,
} from '../../../tests/support/parity.ts';
import { json, type Respond, stream } from '../../../tests/support/scripted-server.ts';

let parity: Parity;
beforeAll(async () => {
  parity = await startParity();
});
afterAll(() => parity.stop());

const each = (cases: ParityCase[]) => {
  for (const of of cases) {
    test(`${of.name} (${of.api}, ${of.streamed ? 'streamed' : 'whole'})`, () => parity.expectSame(of));
  }
};

const all = [chat, chatStreamed, response, responseStreamed] as const;

/** A complete answer, streamed or not as requested. */
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
    'with characters of all kinds': { input: 'é 中 😀 "\\ \u2028' },
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
    'that continues a response': { previousResponseId: 'resp_0' },
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

const calls = [chatToolCall('c1', 'f', '{"a":"1"}'), chatToolCall('c2', 'g', '{}')];
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
    { ...chat, name: 'an answer withheld by a filter', respond: json(chatAnswer({ content: null }, 'content_filter')) },
    { ...chat, name: 'another status of success', respond: json(chatAnswer({ content: 'x' }), 201) },
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
    {
      ...response,
      name: 'calls',
      respond: json(responseAnswer([callItem('c1', 'f', '{}'), callItem('c2', 'g', '{"a":1}')])),
    },
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
      difference: { openai: 'ModelBehaviorError', ours: 'APIError' },
    },
    {
      ...response,
      name: 'an incomplete one',
      respond: json(responseAnswer([], { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } })),
      difference: { openai: 'ModelBehaviorError', ours: 'AnswerEndError' },
    },
  ]);

  const words = fc.string({ unit: 'grapheme', maxLength: 30 });

  test('for any content', async () => {
    const name = words.filter((text) => text.trim() !== '');
    const value = fc.dictionary(words, fc.jsonValue(), { maxKeys: 3 }).map((fields) => JSON.stringify(fields));
    const selector = ({ id }: { id: string }) => id;
    const toolCalls = fc.uniqueArray(fc.record({ id: name, name, value }), { maxLength: 3, selector });
    await fc.assert(
      fc.asyncProperty(words, toolCalls, fc.jsonValue(), async (content, called, extra) => {
        const tool_calls = called.map(({ id, name, value }) => chatToolCall(id, name, value));
        await parity.expectSame({
          ...chat,
          name: '',
          respond: json(chatAnswer({ content, tool_calls }, 'stop', { extra })),
        });
        const items = called.map(({ id, name, value }) => callItem(id, name, value));
        await parity.expectSame({
          ...response,
          name: '',
          respond: json(responseAnswer([messageItem(content), ...items])),
        });
      }),
      { numRuns: 30 },
    );
  });
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

  test('for any answer of the provider', async () => {
    const body = fc.oneof(
      fc.json(),
      fc.string(),
      fc.record({ error: fc.jsonValue() }).map((each) => JSON.stringify(each)),
    );
    // `fetch` hides 407, and retries a call after 421.
    const status = fc.integer({ min: 400, max: 599 }).filter((each) => each !== 407 && each !== 421);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...all), status, body, async (of, code, text) => {
        await parity.expectSame({ ...of, name: '', respond: json(text, code) });
      }),
      { numRuns: 40 },
    );
  });
});
