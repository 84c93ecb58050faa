/** The lean client makes the same streams and faults as the `openai` client: `tests/support/parity.ts`. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, test } from 'vitest';
import {
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
import type { CallCase } from '../../../tests/support/model-calls.ts';
import {
  chat,
  chatStreamed,
  type Difference,
  type Parity,
  type ParityCase,
  response,
  responseStreamed,
  startParity,
  type Word,
} from '../../../tests/support/parity.ts';
import { cutOff, hang, json, type Respond, stream } from '../../../tests/support/scripted-server.ts';

let parity: Parity;
beforeAll(async () => {
  parity = await startParity();
});
afterAll(() => parity.stop());

const each = (cases: ParityCase[]) => {
  for (const of of cases) {
    test(`${of.name} (${of.api}${of.streamed ? ', in events' : ''})`, () => parity.expectSame(of));
  }
};

const keepUsage = { modelSettings: { preserveRawUsage: true } };
const partialCall = (index: number, fields: object) => chatChunk({ tool_calls: [{ index, ...fields }] });

describe('the stream is the same', () => {
  const streams: Record<string, [CallCase, string]> = {
    text: [chatStreamed, chatStream('', 'h é', '中😀')],
    'without [DONE]': [chatStreamed, chatChunk({ content: 'x' }) + chatChunk({}, 'stop')],
    'without usage': [chatStreamed, chatChunk({ content: 'x' }) + chatChunk({}, 'stop') + chatDone],
    'usage before the end': [chatStreamed, chatUsageChunk + chatChunk({ content: 'x' }, 'stop') + chatDone],
    'a finish reason only at the end': [
      chatStreamed,
      `data: {"id":"c1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"x"}}]}\n\n${chatChunk({}, 'stop')}${chatDone}`,
    ],
    'a refusal': [chatStreamed, chatChunk({ refusal: 'n' }) + chatChunk({ refusal: 'o' }, 'stop') + chatDone],
    'an answer withheld by a filter': [chatStreamed, chatChunk({}, 'content_filter') + chatDone],
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

  test('for any chunks, and any lines between the events', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(chatStreamed, responseStreamed), shape, async (of, shaped) => {
        const { pieces, lengths, lineEnd, before, between, space, lastLineEnd } = shaped;
        const text = of.api === 'responses' ? responseStream(...pieces) : chatStream(...pieces);
        const events = text.trimEnd().split('\n\n');
        const sent = (between + events.join(`\n\n${between}`)).replaceAll('data: ', `data:${space}`);
        const whole = before + (sent + (lastLineEnd ? '\n\n' : '')).replaceAll('\n', lineEnd);
        await parity.expectSame({ ...of, name: '', respond: stream(whole, lengths) });
      }),
      { numRuns: 80 },
    );
  });

  test('for an event with several lines of data', () =>
    parity.expectSame({
      ...chatStreamed,
      name: '',
      respond: stream(
        `data: {"id":"c1","object":"chat.completion.chunk","choices":[\ndata: {"index":0,"delta":{"content":"x"},"finish_reason":"stop"}]}\n\n`,
      ),
    }));
});

describe('a call that the caller no longer waits for', () => {
  const begun = { chat_completions: chatChunk({ content: 'x' }), responses: responseBegun + responseDelta('x') };
  const parts = [chatStreamed, responseStreamed].flatMap((of): ParityCase[] => [
    { ...of, name: 'after an abort in the middle of the stream', abort: 2, respond: hang(begun[of.api]) },
    { ...of, name: 'after the reader stops', breakAfter: 2, respond: hang(begun[of.api]) },
  ]);
  const waiting = [chat, response].map(
    (of): ParityCase => ({ ...of, name: 'after an abort', abort: 0, respond: () => {} }),
  );
  for (const of of [...parts, ...waiting]) {
    test(`${of.name} has its connection closed (${of.api})`, () => parity.expectClosed(of));
  }
});

describe('the intended difference to the openai client', () => {
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
      name: 'a stream that ends before the answer is complete',
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
      name: '[DONE] without a finish reason',
      respond: stream(chatChunk({ content: 'x' }) + chatDone),
      difference: answered('TruncatedAnswerError'),
    },
    {
      ...chatStreamed,
      name: 'arguments truncated by a limit',
      respond: stream(
        partialCall(0, { id: 'a', type: 'function', function: { name: 'f', arguments: '{"a' } }) +
          chatChunk({}, 'length') +
          chatDone,
      ),
      difference: answered('AnswerEndError'),
    },
    {
      ...chat,
      name: 'arguments truncated by a limit',
      respond: json(chatAnswer({ content: null, tool_calls: [chatToolCall('c', 'f', '{"a')] }, 'length')),
      difference: answered('AnswerEndError'),
    },
    {
      ...chat,
      name: 'a text truncated by a limit',
      respond: json(chatAnswer({ content: 'x' }, 'length')),
      difference: answered('AnswerEndError'),
    },
    {
      ...chat,
      name: 'no text because of a limit',
      respond: json(chatAnswer({ content: null }, 'length')),
      difference: { openai: 'ModelBehaviorError', ours: 'AnswerEndError' },
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
      ...responseStreamed,
      name: 'a failure',
      respond: stream(
        responseBegun + responseEvent('response.failed', { response: responseAnswer([], { status: 'failed' }) }),
      ),
      difference: { openai: 'ModelBehaviorError', ours: 'AnswerEndError' },
    },
    {
      ...responseStreamed,
      name: 'an incomplete one',
      respond: stream(
        responseBegun +
          responseEvent('response.incomplete', { response: responseAnswer([], { status: 'incomplete' }) }),
      ),
      difference: { openai: 'ModelBehaviorError', ours: 'AnswerEndError' },
    },
    {
      ...response,
      name: 'an error with a status of success',
      respond: json({ error: { message: 'm', code: 'c' } }),
      difference: { openai: 'TypeError', ours: 'APIError' },
    },
  ]);
});
