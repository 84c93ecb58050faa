// tidy: long because it is a table
import { chatAnswer, chatChunk, chatDone, chatToolCall, chatUsageChunk } from '../support/model-answers.ts';
import type { ExpectedAnswer, ExpectedFault, Quirk } from './quirk.ts';

type Fields = Record<string, unknown>;

const sse = (...events: (Fields | string)[]): string =>
  events.map((event) => (typeof event === 'string' ? event : `data: ${JSON.stringify(event)}\n\n`)).join('');
/** A stream of these deltas with an end, its usage and `[DONE]`. */
const texts = (deltas: Fields[], finishReason = 'stop'): string =>
  deltas.map((delta) => chatChunk(delta)).join('') + chatChunk({}, finishReason) + chatUsageChunk + chatDone;
/** A stream with these deltas of tool calls, a chunk each, or several in one chunk. */
const calls = (...deltas: (Fields | Fields[])[]): string =>
  texts(
    deltas.map((delta) => ({ tool_calls: [delta].flat() })),
    'tool_calls',
  );
/** An answer in one piece with these tool calls. */
const called = (...entries: unknown[]): Fields => chatAnswer({ content: null, tool_calls: entries }, 'tool_calls');
/** A delta of a tool call; undefined leaves a field out. */
const delta = (index: unknown, id: unknown, name?: unknown, args?: unknown): Fields => ({
  index,
  id,
  type: 'function',
  function: { name, arguments: args },
});
/** A tool call of an answer in one piece. */
const call = (id: unknown, name: unknown, args: unknown): Fields => ({
  id,
  type: 'function',
  function: { name, arguments: args },
});
const choices = (...of: unknown[]): string => chatChunk({}, null, { choices: of });
const usageChunk = (usage: unknown): string => chatChunk({}, null, { choices: [], usage });

const one = '{"n":"1"}';
const two = '{"n":"2"}';
const hello: ExpectedAnswer = { text: 'Hello' };
const look: ExpectedAnswer = { calls: [{ name: 'look', arguments: one }] };
const lookTwice: ExpectedAnswer = {
  calls: [
    { name: 'look', arguments: one },
    { name: 'look', arguments: two },
  ],
};
const now: ExpectedAnswer = { calls: [{ name: 'now', arguments: '{}' }] };
const helloStream = texts([{ content: 'Hello' }]);
const half = [{ content: 'Half an ans' }];
const fails = (fault: ExpectedFault): { fault: ExpectedFault } => ({ fault });

/** A kind: what its rows have in common. */
type Kind = Pick<Quirk, 'server' | 'sends' | 'result'>;
const rows = (kind: Kind, of: Omit<Quirk, keyof Kind>[]): Quirk[] => of.map((row) => ({ ...kind, ...row }));

const callIndexes: Quirk[] = rows(
  {
    server: 'Gemini, Ollama, LiteLLM and others',
    sends: 'tool calls without `index`, with `null`, all with 0, or counted from 1',
    result: 'the calls are told apart by their ids, their names, and the end of their arguments',
  },
  [
    { name: 'one call without an index', streamed: calls(delta(undefined, 'c1', 'look', one)), expected: look },
    {
      name: 'two calls without an index in one chunk',
      streamed: calls([delta(undefined, 'c1', 'look', one), delta(undefined, 'c2', 'look', two)]),
      expected: lookTwice,
    },
    {
      name: 'two calls without an index in two chunks',
      streamed: calls(delta(undefined, 'c1', 'look', one), delta(undefined, 'c2', 'look', two)),
      expected: lookTwice,
    },
    {
      name: 'two calls without index and id',
      streamed: calls(delta(undefined, undefined, 'look', one), delta(undefined, undefined, 'look', two)),
      expected: lookTwice,
    },
    {
      name: 'two calls in fragments without an index',
      streamed: calls(
        delta(undefined, 'c1', 'look', '{"n":'),
        delta(undefined, undefined, undefined, '"1"}'),
        delta(undefined, 'c2', 'look', ''),
        delta(undefined, 'c2', undefined, two),
      ),
      expected: lookTwice,
    },
    {
      name: 'two calls with index 0',
      streamed: calls(delta(0, 'c1', 'look', one), delta(0, 'c2', 'look', two)),
      expected: lookTwice,
    },
    {
      name: 'two calls with index 0 and no ids',
      streamed: calls(delta(0, undefined, 'look', one), delta(0, undefined, 'look', two)),
      expected: lookTwice,
    },
    {
      name: 'two calls with index null',
      streamed: calls([delta(null, 'c1', 'look', one), delta(null, 'c2', 'look', two)]),
      expected: lookTwice,
    },
    {
      name: 'two calls counted from 1',
      streamed: calls([delta(1, 'c1', 'look', one), delta(2, 'c2', 'look', two)]),
      expected: lookTwice,
    },
    {
      name: 'two calls without parameters and without an index',
      streamed: calls([delta(undefined, 'c1', 'now', ''), delta(undefined, 'c2', 'now', '')]),
      expected: {
        calls: [
          { name: 'now', arguments: '{}', id: 'c1' },
          { name: 'now', arguments: '{}', id: 'c2' },
        ],
      },
    },
  ],
);

const repeated: Quirk[] = [
  ...rows(
    {
      server: 'MiniMax on NIM, vLLM',
      sends: 'the name of a tool call in every chunk, in pieces, or growing; a new id in every chunk',
      result: 'one call with the name once',
    },
    [
      {
        name: 'the name in every chunk',
        streamed: calls(delta(0, 'c1', 'look', '{"n":'), delta(0, 'c1', 'look', '"1"}')),
        expected: look,
      },
      {
        name: 'an empty name and id in later chunks',
        streamed: calls(delta(0, 'c1', 'look', '{"n":'), delta(0, '', '', '"1"}')),
        expected: look,
      },
      {
        name: 'the name in pieces',
        streamed: calls(delta(0, 'c1', 'lo', ''), delta(0, 'c1', 'ok', ''), delta(0, 'c1', undefined, one)),
        expected: look,
      },
      {
        name: 'a name that grows',
        streamed: calls(delta(0, 'c1', 'lo', ''), delta(0, 'c1', 'look', ''), delta(0, 'c1', undefined, one)),
        expected: look,
      },
      {
        name: 'a new id in every chunk',
        streamed: calls(delta(0, 'a', 'look', ''), delta(0, 'b', undefined, '{"n":'), delta(0, 'c', undefined, '"1"}')),
        expected: { calls: [{ name: 'look', arguments: one, id: 'a' }] },
      },
    ],
  ),
  ...rows(
    {
      server: 'Bedrock, MiniMax, gateways',
      sends: 'arguments again at the end, growing in each chunk, or after an empty object',
      result: 'the arguments once',
    },
    [
      {
        name: 'all arguments again at the end',
        streamed: calls(
          delta(0, 'c1', 'look', '{"n":'),
          delta(0, undefined, undefined, '"1"}'),
          delta(0, 'c1', undefined, one),
        ),
        expected: look,
      },
      {
        name: 'the whole call again at the end',
        streamed: calls(delta(0, 'c1', 'look', one), delta(0, 'c1', 'look', '{"n": "1"}')),
        expected: look,
      },
      {
        name: 'arguments that grow',
        streamed: calls(
          delta(0, 'c1', 'look', '{"n"'),
          delta(0, 'c1', undefined, '{"n":"1'),
          delta(0, 'c1', undefined, one),
        ),
        expected: look,
      },
      {
        name: 'an empty object before the arguments',
        streamed: calls(delta(0, 'c1', 'look', '{}'), delta(0, undefined, undefined, one)),
        expected: look,
      },
      {
        name: 'an empty object before fragments',
        streamed: calls(
          delta(0, 'c1', 'look', '{}'),
          delta(0, undefined, undefined, '{"n":'),
          delta(0, undefined, undefined, '"1"}'),
        ),
        expected: look,
      },
    ],
  ),
];

const argumentKinds: Quirk[] = [
  ...rows(
    {
      server: 'llama.cpp, LiteLLM and others',
      sends: 'arguments that are an object, or encoded twice',
      result: 'the arguments as JSON',
    },
    [
      {
        name: 'arguments that are an object',
        streamed: calls(delta(0, 'c1', 'look', { n: '1' })),
        whole: called(call('c1', 'look', { n: '1' })),
        expected: look,
      },
      {
        name: 'arguments that are encoded twice',
        streamed: calls(
          delta(0, 'c1', 'look', JSON.stringify(one).slice(0, 4)),
          delta(0, undefined, undefined, JSON.stringify(one).slice(4)),
        ),
        whole: called(call('c1', 'look', JSON.stringify(one))),
        expected: look,
      },
    ],
  ),
  ...rows(
    {
      server: 'many, for tools without parameters',
      sends: 'arguments that are empty, missing or `null`',
      result: '`{}`',
    },
    [
      {
        name: 'empty arguments',
        streamed: calls(delta(0, 'c1', 'now', '')),
        whole: called(call('c1', 'now', '')),
        expected: now,
      },
      {
        name: 'no arguments',
        streamed: calls(delta(0, 'c1', 'now')),
        whole: called(call('c1', 'now', undefined)),
        expected: now,
      },
      {
        name: 'the arguments null',
        streamed: calls(delta(0, 'c1', 'now', null)),
        whole: called(call('c1', 'now', null)),
        expected: now,
      },
      {
        name: 'the arguments null as a text',
        streamed: calls(delta(0, 'c1', 'now', 'null')),
        whole: called(call('c1', 'now', 'null')),
        expected: now,
      },
    ],
  ),
];

const callForms: Quirk[] = [
  ...rows(
    {
      server: 'vLLM, LiteLLM, foundry servers and others',
      sends: 'ids of tool calls that are empty, missing, `null`, or numbers',
      result: 'an id of the service; a number as text',
    },
    [
      ...(['', undefined, null] as const).map((id) => ({
        name: `an id that is ${id === '' ? 'empty' : String(id)}`,
        streamed: calls(delta(0, id, 'look', one)),
        whole: called(call(id, 'look', one)),
        expected: look,
      })),
      {
        name: 'two empty ids',
        streamed: calls([delta(0, '', 'look', one), delta(1, '', 'look', two)]),
        whole: called(call('', 'look', one), call('', 'look', two)),
        expected: lookTwice,
      },
      {
        name: 'an id that is a number',
        streamed: calls(delta(0, 7, 'look', one)),
        whole: called(call(7, 'look', one)),
        expected: { calls: [{ name: 'look', arguments: one, id: '7' }] },
      },
      {
        name: 'an id that comes later',
        streamed: calls(delta(0, undefined, 'look', ''), delta(0, 'c1', undefined, one)),
        expected: { calls: [{ name: 'look', arguments: one, id: 'c1' }] },
      },
    ],
  ),
  ...rows(
    {
      server: 'several',
      sends:
        'tool calls without `type`, without `function` around their fields, as `function_call`, or with `null` among them',
      result: 'the calls',
    },
    [
      {
        name: 'a call without a type',
        streamed: calls({ index: 0, id: 'c1', function: { name: 'look', arguments: one } }),
        whole: called({ id: 'c1', function: { name: 'look', arguments: one } }),
        expected: look,
      },
      {
        name: 'a call without function',
        streamed: calls({ index: 0, id: 'c1', name: 'look', arguments: one }),
        whole: called({ id: 'c1', name: 'look', arguments: one }),
        expected: look,
      },
      {
        name: 'a function_call',
        streamed: texts(
          [{ function_call: { name: 'look', arguments: '{"n":' } }, { function_call: { arguments: '"1"}' } }],
          'function_call',
        ),
        whole: chatAnswer({ content: null, function_call: { name: 'look', arguments: one } }, 'function_call'),
        expected: look,
      },
      {
        name: 'null among the calls',
        streamed:
          chatChunk({ content: 'Hello', tool_calls: [null] }) + chatChunk({ tool_calls: null }, 'stop') + chatDone,
        whole: chatAnswer({ content: 'Hello', tool_calls: [null] }),
        expected: hello,
      },
      {
        name: 'calls with the end "stop"',
        streamed: chatChunk({ tool_calls: [delta(0, 'c1', 'look', one)] }) + chatChunk({}, 'stop') + chatDone,
        whole: chatAnswer({ content: '', tool_calls: [chatToolCall('c1', 'look', one)] }, 'stop'),
        expected: look,
      },
    ],
  ),
];

const thinking = { type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] };
const contents: Quirk[] = [
  ...rows(
    {
      server: 'Mistral, reasoning models',
      sends: '`content` is a list of parts',
      result: 'the texts are joined; thinking becomes reasoning',
    },
    [
      {
        name: 'a list of parts as the content',
        streamed: texts([{ content: [thinking] }, { content: [{ type: 'text', text: 'Hel' }, 'lo'] }]),
        whole: chatAnswer({ content: [thinking, { type: 'text', text: 'Hello' }] }),
        expected: { text: 'Hello', reasoning: 'hm' },
      },
    ],
  ),
  ...rows(
    { server: 'several', sends: '`content` is a number, a part, or another object', result: 'its text, or its JSON' },
    [
      {
        name: 'a number as the content',
        streamed: texts([{ content: 42 }]),
        whole: chatAnswer({ content: 42 }),
        expected: { text: '42' },
      },
      {
        name: 'one part as the content',
        streamed: texts([{ content: { type: 'text', text: 'Hello' } }]),
        whole: chatAnswer({ content: { type: 'text', text: 'Hello' } }),
        expected: hello,
      },
      {
        name: 'an object as the content',
        streamed: texts([{ content: { a: 1 } }]),
        whole: chatAnswer({ content: { a: 1 } }),
        expected: { text: '{"a":1}' },
      },
    ],
  ),
  ...rows(
    {
      server: 'DeepSeek, vLLM, llama.cpp, SGLang',
      sends: 'reasoning as `reasoning_content` or `thinking`',
      result: 'reasoning, as from OpenRouter’s `reasoning`',
    },
    (['reasoning_content', 'thinking', 'reasoning'] as const).map((field) => ({
      name: `the field ${field}`,
      streamed: texts([{ [field]: 'h' }, { [field]: 'm' }, { content: 'Hello' }]),
      whole: chatAnswer({ content: 'Hello', [field]: 'hm' }),
      expected: { text: 'Hello', reasoning: 'hm' },
    })),
  ),
  ...rows(
    {
      server: 'foundry-local, Azure and others',
      sends: 'a choice without `index`, or only with index 1; `choices` or a choice `null`',
      result: 'the choice counts; `null` is ignored',
    },
    [
      {
        name: 'a choice without an index',
        streamed: choices({ delta: { content: 'Hello' } }) + choices({ delta: {}, finish_reason: 'stop' }) + chatDone,
        whole: chatAnswer({}, 'stop', { choices: [{ message: { content: 'Hello' }, finish_reason: 'stop' }] }),
        expected: hello,
      },
      {
        name: 'only a choice with index 1',
        streamed:
          choices({ index: 1, delta: { content: 'Hel' } }) +
          choices({ index: 1, delta: { content: 'lo', tool_calls: [delta(0, 'c1', 'look', one)] } }) +
          choices({ index: 1, delta: {}, finish_reason: 'stop' }) +
          chatDone,
        expected: { ...hello, ...look },
      },
      {
        name: 'a choice with index 1 before that with 0',
        streamed: choices({ index: 1, delta: { content: 'no' }, finish_reason: 'stop' }) + helloStream,
        expected: hello,
      },
      {
        name: 'choices that are null',
        streamed: chatChunk({}, null, { choices: null }) + choices(null) + helloStream,
        whole: chatAnswer({}, 'stop', {
          choices: [null, { index: 0, message: { content: 'Hello' }, finish_reason: 'stop' }],
        }),
        expected: hello,
      },
    ],
  ),
  ...rows(
    {
      server: 'several gateways',
      sends: '`message` or `text` in place of `delta`, or the reverse; `delta` is `null`',
      result: 'the text, once',
    },
    [
      {
        name: 'a message in place of the delta',
        streamed: choices({ index: 0, message: { content: 'Hello' }, finish_reason: 'stop' }) + chatDone,
        whole: chatAnswer({}, 'stop', { choices: [{ index: 0, delta: { content: 'Hello' }, finish_reason: 'stop' }] }),
        expected: hello,
      },
      {
        name: 'messages that grow',
        streamed:
          choices({ index: 0, message: { content: 'Hel' } }) +
          choices({ index: 0, message: { content: 'Hello' }, finish_reason: 'stop' }) +
          chatDone,
        expected: hello,
      },
      {
        name: 'a message after the deltas',
        streamed:
          chatChunk({ content: 'Hello' }) +
          choices({ index: 0, delta: null, message: { content: 'Hello' }, finish_reason: 'stop' }) +
          chatDone,
        expected: hello,
      },
      {
        name: 'text in place of the delta',
        streamed:
          choices({ index: 0, text: 'Hello' }) + choices({ index: 0, text: '', finish_reason: 'stop' }) + chatDone,
        whole: chatAnswer({}, 'stop', { choices: [{ index: 0, text: 'Hello', finish_reason: 'stop' }] }),
        expected: hello,
      },
    ],
  ),
  ...rows({ server: 'several', sends: 'no `id`, an empty one, or a number; no `object`', result: 'the answer' }, [
    ...[undefined, '', null, 7].map((id) => ({
      name: `the id ${JSON.stringify(id)}`,
      streamed: chatChunk({ content: 'Hello' }, null, { id }) + chatChunk({}, 'stop', { id }) + chatDone,
      whole: chatAnswer({ content: 'Hello' }, 'stop', { id }),
      expected: hello,
    })),
    {
      name: 'no object, created and model',
      streamed: sse({ choices: [{ index: 0, delta: { content: 'Hello' }, finish_reason: 'stop' }] }, chatDone),
      whole: { choices: [{ index: 0, message: { content: 'Hello' }, finish_reason: 'stop' }] },
      expected: hello,
    },
  ]),
];

const bad = (end: 'cut' | 'refused' | 'failed', reason: string): Omit<Quirk, keyof Kind> => ({
  name: `the end ${reason}`,
  streamed: texts(half, reason),
  whole: chatAnswer({ content: 'Half an ans' }, reason),
  expected: fails({ name: 'AnswerEndError', end, reason }),
});

const ends: Quirk[] = [
  ...rows(
    {
      server: 'Anthropic by gateways, TGI, Gemini',
      sends: '`finish_reason` is `end_turn`, `tool_use`, `stop_sequence`, `eos`, `eos_token`, or written in capitals',
      result: 'the answer is whole',
    },
    ['end_turn', 'eos', 'eos_token', 'stop_sequence', 'STOP'].map((reason) => ({
      name: `the end ${reason}`,
      streamed: texts([{ content: 'Hello' }], reason),
      whole: chatAnswer({ content: 'Hello' }, reason),
      expected: hello,
    })),
  ),
  ...rows(
    {
      server: 'Mistral, Gemini, gateways',
      sends: '`finish_reason` is `max_tokens`, `MAX_TOKENS`, `model_length` or `max_output_tokens`',
      result: '`output_limit_reached`, as for `length`',
    },
    ['length', 'max_tokens', 'MAX_TOKENS', 'model_length', 'max_output_tokens'].map((reason) => bad('cut', reason)),
  ),
  ...rows(
    {
      server: 'Gemini, Zhipu, Azure',
      sends: '`finish_reason` is `SAFETY`, `RECITATION`, `sensitive`, or `content_filter` with a detail',
      result: '`model_refused`, as for `content_filter`; a refusal if there was no text',
    },
    [
      ...['content_filter', 'SAFETY', 'sensitive', 'content_filter: RECITATION'].map((reason) =>
        bad('refused', reason),
      ),
      {
        name: 'the end SAFETY without any text',
        streamed: texts([], 'SAFETY'),
        whole: chatAnswer({ content: null }, 'SAFETY'),
        expected: { refusal: "Response withheld by the provider's content filter." },
      },
    ],
  ),
  ...rows(
    {
      server: 'DeepSeek, SGLang, OpenRouter, Gemini and others',
      sends:
        '`finish_reason` is `error`, `abort`, `insufficient_system_resource`, `network_error`, `timeout`, `malformed_function_call`, or any that is not known',
      result: 'never taken for an answer: as an answer that is truncated',
    },
    [
      ...[
        'error',
        'abort',
        'insufficient_system_resource',
        'network_error',
        'timeout',
        'cancelled',
        'MALFORMED_FUNCTION_CALL',
        'null',
        'unknown',
      ].map((reason) => bad('failed', reason)),
      {
        name: 'a good end after a bad one',
        streamed: chatChunk({ content: 'Half' }, 'error') + chatChunk({}, 'stop') + chatDone,
        expected: fails({ name: 'AnswerEndError', end: 'failed', reason: 'error' }),
      },
    ],
  ),
  ...rows(
    {
      server: 'any',
      sends: 'no `finish_reason`, an empty one, or `null`',
      result: 'a stream is truncated; an answer in one piece is whole, since its JSON is',
    },
    [null, '', undefined].map((reason) => ({
      name: `the end ${JSON.stringify(reason)}`,
      streamed: choices({ index: 0, delta: { content: 'Half' }, finish_reason: reason }) + chatDone,
      whole: chatAnswer({}, 'stop', { choices: [{ index: 0, message: { content: 'Hello' }, finish_reason: reason }] }),
      expected: fails({ name: 'TruncatedAnswerError' }),
      expectedWhole: hello,
    })),
  ),
  ...rows(
    { server: 'several', sends: '`finish_reason` in every chunk, or before the last text', result: 'the whole text' },
    [
      {
        name: 'an end in every chunk',
        streamed: chatChunk({ content: 'Hel' }, 'stop') + chatChunk({ content: 'lo' }, 'stop') + chatDone,
        expected: hello,
      },
      {
        name: 'an empty end in every chunk',
        streamed:
          chatChunk({ content: 'Hel' }, '') + chatChunk({ content: 'lo' }, '') + chatChunk({}, 'stop') + chatDone,
        expected: hello,
      },
      {
        name: 'text after the end',
        streamed: chatChunk({ content: 'Hel' }) + chatChunk({}, 'stop') + chatChunk({ content: 'lo' }) + chatDone,
        expected: hello,
      },
    ],
  ),
];

const upstream = { code: 502, message: 'upstream died' };
const failures: Quirk[] = [
  ...rows(
    {
      server: 'OpenRouter',
      sends: 'an `error` in a choice or a chunk, with a number as its code',
      result: 'a failure that the provider reports, with its code',
    },
    [
      {
        name: 'an error in a choice',
        streamed:
          chatChunk({ content: 'Half' }) +
          choices({ index: 0, delta: { content: '' }, finish_reason: 'error', error: upstream }) +
          chatDone,
        whole: chatAnswer({}, 'error', {
          choices: [{ index: 0, message: { content: 'Half' }, finish_reason: 'error', error: upstream }],
        }),
        expected: fails({ name: 'APIError', code: 502, message: 'upstream died' }),
      },
      {
        name: 'an error in a chunk',
        streamed:
          chatChunk({ content: 'Half' }) +
          chatChunk({}, null, { choices: [], error: { code: 429, message: 'slow down' } }) +
          chatDone,
        whole: { error: { code: 429, message: 'slow down' } },
        expected: fails({ name: 'APIError', code: 429, message: 'slow down' }),
      },
    ],
  ),
  ...rows(
    {
      server: 'vLLM, FastAPI servers, Gemini, gateways',
      sends:
        'with status 200: `{"object": "error", …}`, `{"detail": …}`, `{"error": "a text"}`, an error in a list, or with neither',
      result: 'a failure that the provider reports, with its code',
    },
    [
      {
        name: 'the object error',
        streamed: sse({ object: 'error', message: 'too long', type: 'BadRequestError', code: 400 }, chatDone),
        whole: { object: 'error', message: 'too long', type: 'BadRequestError', code: 400 },
        expected: fails({ name: 'APIError', code: 400, type: 'BadRequestError', message: 'too long' }),
      },
      {
        name: 'a detail',
        streamed: sse({ detail: 'boom' }, chatDone),
        whole: { detail: 'boom' },
        expected: fails({ name: 'APIError', message: 'boom' }),
      },
      {
        name: 'an error that is a text',
        streamed: sse({ error: 'model not loaded' }, chatDone),
        whole: { error: 'model not loaded' },
        expected: fails({ name: 'APIError', message: 'model not loaded' }),
      },
      {
        name: 'an error in a list',
        streamed: `[{"error":{"code":503,"message":"busy"}}]`,
        whole: '[{"error":{"code":503,"message":"busy"}}]',
        expected: fails({ name: 'APIError', code: 503, message: 'busy' }),
      },
      {
        name: 'a message and a code',
        streamed: sse('event: error\n', { message: 'busy', code: 503 }),
        whole: { message: 'busy', code: 503 },
        expected: fails({ name: 'APIError', code: 503, message: 'busy' }),
      },
      {
        name: 'an error as the whole body of a stream',
        streamed: '{"error":{"code":503,"message":"busy"}}',
        contentType: 'application/json',
        expected: fails({ name: 'APIError', code: 503, message: 'busy' }),
      },
      {
        name: 'an error as a line in a stream',
        streamed: `${chatChunk({ content: 'Half' })}{"error":{"code":503,"message":"busy"}}\n`,
        expected: fails({ name: 'APIError', code: 503, message: 'busy' }),
      },
    ],
  ),
];

const wire: Quirk[] = [
  ...rows(
    {
      server: 'gateways, Anthropic by gateways',
      sends:
        'signs of life: `data:` without anything, `data: null`, `data: {}`, `data: "ping"`, an event `ping`, comments',
      result: 'ignored, also by the timeouts',
    },
    [
      'data:\n\n',
      'data: null\n\n',
      'data: {}\n\n',
      'data: "ping"\n\n',
      'event: ping\ndata: {"type":"ping"}\n\n',
      ': still there\n\n',
    ].map((sign) => ({
      name: `the sign of life ${JSON.stringify(sign)}`,
      streamed:
        sign + chatChunk({ content: 'Hel' }) + sign + texts([{ content: 'lo' }]).replace(chatDone, sign + chatDone),
      expected: hello,
    })),
  ),
  ...rows(
    {
      server: 'several',
      sends: '`[DONE]` with blanks around it, without an end of line, or not at all',
      result: 'the answer',
    },
    [
      { name: '[DONE] with a blank behind it', streamed: helloStream.replace('[DONE]', '[DONE] '), expected: hello },
      { name: '[DONE] with blanks before it', streamed: helloStream.replace('[DONE]', '  [DONE]'), expected: hello },
      { name: '[DONE] at the very end', streamed: helloStream.replace(chatDone, 'data:[DONE]'), expected: hello },
      {
        name: 'no [DONE] and no usage',
        streamed: chatChunk({ content: 'Hello' }) + chatChunk({}, 'stop'),
        expected: hello,
      },
      {
        name: 'a byte order mark and CRLF',
        streamed: `\ufeff${helloStream.replaceAll('\n', '\r\n')}`,
        expected: hello,
      },
    ],
  ),
  ...rows(
    {
      server: 'servers and gateways that cannot stream, or stream always',
      sends: 'JSON in one piece, or a line for each event, for a stream; a stream for an answer in one piece',
      result: 'the answer',
    },
    [
      {
        name: 'a whole answer for a stream',
        streamed: JSON.stringify(chatAnswer({ content: 'Hello' })),
        whole: helloStream,
        contentType: 'application/json',
        expected: { ...hello, usage: [3, 4, 7] },
      },
      {
        name: 'a whole answer over several lines for a stream',
        streamed: JSON.stringify(chatAnswer({ content: 'Hello' }), null, 2),
        contentType: 'application/json',
        expected: { ...hello, usage: [3, 4, 7] },
      },
      {
        name: 'whole calls for a stream',
        streamed: JSON.stringify(called(call('c1', 'look', one), call('c2', 'look', two))),
        whole: calls(delta(0, 'c1', 'look', '{}'), delta(0, undefined, undefined, one), delta(1, 'c2', 'look', two)),
        contentType: 'application/json',
        expected: lookTwice,
      },
      {
        name: 'a whole answer without an end for a stream',
        streamed: JSON.stringify(chatAnswer({}, '', { choices: [{ index: 0, message: { content: 'Hello' } }] })),
        expected: hello,
      },
      {
        name: 'half of a whole answer for a stream',
        streamed: JSON.stringify(chatAnswer({ content: 'Half' }, 'length')),
        whole: chatChunk({ content: 'Half' }) + chatDone,
        expected: fails({ name: 'AnswerEndError', end: 'cut', reason: 'length' }),
        expectedWhole: fails({ name: 'TruncatedAnswerError' }),
      },
      {
        name: 'a line of JSON for each event',
        streamed: helloStream.replaceAll('data: ', '').replaceAll('\n\n', '\n'),
        contentType: 'application/x-ndjson',
        expected: { ...hello, usage: [3, 4, 7] },
      },
      {
        name: 'lines of JSON without an end',
        streamed: `{"choices":[{"index":0,"message":{"content":"Half"}}]}\n{"choices":[{"index":0,"message":{"content":"Half an"}}]}\n`,
        expected: fails({ name: 'TruncatedAnswerError' }),
      },
    ],
  ),
];

const usageOf = (usage: unknown): Pick<Quirk, 'streamed' | 'whole'> => ({
  streamed: chatChunk({ content: 'Hello' }) + chatChunk({}, 'stop') + usageChunk(usage) + chatDone,
  whole: chatAnswer({ content: 'Hello' }, 'stop', { usage }),
});
const counts = (input: unknown, output: unknown, total: unknown): Fields => ({
  prompt_tokens: input,
  completion_tokens: output,
  total_tokens: total,
});

const usages: Quirk[] = [
  ...rows(
    {
      server: 'gateways that count in fractions, and others',
      sends: 'usage in fractions, as texts, negative, far too large, with `null`, or missing',
      result: 'rounded up, read, or left out; a missing sum is added up',
    },
    [
      { name: 'fractions', ...usageOf(counts(5.5, 3, 8.5)), expected: { ...hello, usage: [6, 3, 9] } },
      { name: 'counts as texts', ...usageOf(counts('5', '3', '8')), expected: { ...hello, usage: [5, 3, 8] } },
      { name: 'a negative count', ...usageOf(counts(-1, 3, 2)), expected: { ...hello, usage: [0, 3, 3] } },
      {
        name: 'a count that is far too large',
        ...usageOf(counts(1e20, 3, 1e20)),
        expected: { ...hello, usage: [0, 3, 3] },
      },
      { name: 'counts that are null', ...usageOf(counts(5, null, null)), expected: { ...hello, usage: [5, 0, 5] } },
      { name: 'usage that is null', ...usageOf(null), expected: { ...hello, usage: [0, 0, 0] } },
      { name: 'usage that is a text', ...usageOf('none'), expected: { ...hello, usage: [0, 0, 0] } },
      {
        name: 'details that are null',
        ...usageOf({
          ...counts(5, 3, 8),
          prompt_tokens_details: null,
          completion_tokens_details: { reasoning_tokens: 'x' },
        }),
        expected: { ...hello, usage: [5, 3, 8] },
      },
    ],
  ),
  ...rows(
    {
      server: 'vLLM, xAI, gateways',
      sends: 'usage in every chunk, growing, or in two parts',
      result: 'the last counts',
    },
    [
      {
        name: 'usage in every chunk',
        streamed:
          chatChunk({ content: 'Hel' }, null, { usage: counts(5, 1, 6) }) +
          chatChunk({ content: 'lo' }, null, { usage: counts(5, 2, 7) }) +
          chatChunk({}, 'stop', { usage: null }) +
          chatDone,
        expected: { ...hello, usage: [5, 2, 7] },
      },
      {
        name: 'usage in two parts',
        streamed:
          chatChunk({ content: 'Hello' }, null, { usage: { prompt_tokens: 5 } }) +
          chatChunk({}, 'stop', { usage: { completion_tokens: 2 } }) +
          chatDone,
        expected: { ...hello, usage: [5, 2, 7] },
      },
    ],
  ),
];

const oddCalls: Quirk[] = [
  ...rows(
    {
      server: 'several',
      sends: '`tool_calls` as an object by index; an empty `tool_calls` beside a `function_call`',
      result: 'the calls',
    },
    [
      {
        name: 'calls by their index',
        streamed: texts([{ tool_calls: { 0: delta(0, 'c1', 'look', one) } }], 'tool_calls'),
        whole: chatAnswer({ content: null, tool_calls: { 0: call('c1', 'look', one) } }, 'tool_calls'),
        expected: look,
      },
      {
        name: 'no calls beside a function call',
        streamed: texts([{ tool_calls: [], function_call: { name: 'look', arguments: one } }], 'function_call'),
        whole: chatAnswer(
          { content: null, tool_calls: [], function_call: { name: 'look', arguments: one } },
          'function_call',
        ),
        expected: look,
      },
    ],
  ),
  ...rows({ server: 'several', sends: 'a call without a name', result: 'a malformed answer' }, [
    {
      name: 'a call without a name',
      streamed: texts([{ content: 'Hello' }, { tool_calls: [delta(0, 'c1', '', one)] }], 'tool_calls'),
      whole: chatAnswer({ content: 'Hello', tool_calls: [call('c1', '', one)] }, 'tool_calls'),
      expected: fails({ name: 'MalformedAnswerError' }),
    },
  ]),
];

const toolUse = (name: unknown, input: unknown): Fields => ({ type: 'tool_use', id: 'c1', name, input });
const listOfCalls = JSON.stringify([call('c1', 'look', one), call('c2', 'look', two)]);
const custom = (name: string, input: string): Fields => ({ id: 'c1', type: 'custom', custom: { name, input } });

const otherCalls: Quirk[] = [
  ...rows(
    {
      server: 'gateways, models that write their calls themselves',
      sends: 'the name of a tool with blanks around it',
      result: 'the name without them',
    },
    [' look', 'look\n', ' look '].map((name) => ({
      name: `the name ${JSON.stringify(name)}`,
      streamed: calls(delta(0, 'c1', name, '{"n":'), delta(0, 'c1', name, '"1"}')),
      whole: called(call('c1', name, one)),
      expected: look,
    })),
  ),
  ...rows(
    {
      server: 'gateways',
      sends:
        '`tool_calls`, one of them, or a `function_call` as a JSON text; fields of a call in `input` or `parameters`',
      result: 'the calls; a text that is no JSON is a malformed answer',
    },
    [
      {
        name: 'calls as a text',
        streamed: texts([{ tool_calls: listOfCalls }], 'tool_calls'),
        whole: chatAnswer({ content: null, tool_calls: listOfCalls }, 'tool_calls'),
        expected: lookTwice,
      },
      {
        name: 'each call as a text',
        streamed: texts([{ tool_calls: [JSON.stringify(call('c1', 'look', one))] }], 'tool_calls'),
        whole: called(JSON.stringify(call('c1', 'look', one))),
        expected: look,
      },
      {
        name: 'calls as a text that is no JSON',
        streamed: texts([{ content: 'Hello', tool_calls: '[{"id' }], 'tool_calls'),
        whole: chatAnswer({ content: 'Hello', tool_calls: '[{"id' }, 'tool_calls'),
        expected: fails({ name: 'MalformedAnswerError' }),
      },
      {
        name: 'a function_call as a text',
        streamed: texts([{ function_call: `{"name":"look","arguments":${one}}` }], 'function_call'),
        whole: chatAnswer({ content: null, function_call: `{"name":"look","arguments":${one}}` }, 'function_call'),
        expected: look,
      },
      {
        name: 'a function_call beside a text and calls that are null',
        streamed: texts(
          [{ content: 'Hello', tool_calls: null, function_call: { name: 'look', arguments: one } }],
          'stop',
        ),
        whole: chatAnswer({ content: 'Hello', tool_calls: null, function_call: { name: 'look', arguments: one } }),
        expected: { ...hello, ...look },
      },
      {
        name: 'a function that is a name',
        streamed: calls({ index: 0, id: 'c1', function: 'look', arguments: one }),
        whole: called({ id: 'c1', function: 'look', arguments: one }),
        expected: look,
      },
      {
        name: 'parameters in place of arguments',
        streamed: calls({ index: 0, id: 'c1', function: { name: 'look', parameters: { n: '1' } } }),
        whole: called({ id: 'c1', function: { name: 'look', parameters: { n: '1' } } }),
        expected: look,
      },
    ],
  ),
  ...rows(
    {
      server: 'Anthropic by gateways',
      sends: 'calls as parts of the content, of the types `tool_use`, `tool_call` or `function_call`',
      result: 'the calls, once, if they stand in `tool_calls` too',
    },
    [
      {
        name: 'a tool_use alone',
        streamed: texts([{ content: [toolUse('look', { n: '1' })] }], 'tool_use'),
        whole: chatAnswer({ content: [toolUse('look', { n: '1' })] }, 'tool_use'),
        expected: { calls: [{ name: 'look', arguments: one, id: 'c1' }] },
      },
      {
        name: 'a tool_use after a text',
        streamed: texts(
          [{ content: [{ type: 'text', text: 'Hello' }] }, { content: [toolUse('look', one)] }],
          'tool_use',
        ),
        whole: chatAnswer({ content: [{ type: 'text', text: 'Hello' }, toolUse('look', one)] }, 'tool_use'),
        expected: { ...hello, ...look },
      },
      {
        name: 'a tool_use beside the same call',
        streamed: texts([{ content: [toolUse('look', one)], tool_calls: [delta(0, 'c1', 'look', one)] }], 'tool_calls'),
        whole: chatAnswer({ content: [toolUse('look', one)], tool_calls: [call('c1', 'look', one)] }, 'tool_calls'),
        expected: look,
      },
      {
        name: 'a function_call as a part',
        streamed: texts([
          { content: [{ type: 'function_call', id: 'c1', function: { name: 'look', arguments: one } }] },
        ]),
        whole: chatAnswer({ content: [{ type: 'function_call', id: 'c1', name: 'look', arguments: one }] }),
        expected: look,
      },
    ],
  ),
  ...rows(
    {
      server: 'OpenAI and gateways, for custom tools',
      sends: 'calls of the type `custom`, which the SDK leaves out',
      result: 'calls of a function of that name; the agent may not have it',
    },
    [
      {
        name: 'a custom call',
        streamed: texts(
          [
            { content: 'Hello' },
            { tool_calls: [{ index: 0, ...custom('look', '{"n":') }] },
            { tool_calls: [{ index: 0, custom: { input: '"1"}' } }] },
          ],
          'tool_calls',
        ),
        whole: chatAnswer({ content: 'Hello', tool_calls: [custom('look', one)] }, 'tool_calls'),
        expected: { ...hello, ...look },
      },
      {
        name: 'a custom call with a text',
        streamed: calls({ index: 0, ...custom('sql', 'select 1') }),
        whole: called(custom('sql', 'select 1')),
        expected: { calls: [{ name: 'sql', arguments: 'select 1' }] },
      },
      {
        name: 'a call of the type custom with a function',
        streamed: calls({ ...delta(0, 'c1', 'look', one), type: 'custom' }),
        whole: called({ ...call('c1', 'look', one), type: 'custom' }),
        expected: look,
      },
    ],
  ),
  ...rows(
    {
      server: 'servers that lose calls while they parse them',
      sends: 'a text with an end that says that there are calls, and none',
      result: 'never taken for an answer: the fault `answer_failed`',
    },
    ['tool_calls', 'function_call', 'tool_use', 'TOOL_CALL'].map((reason) => ({
      name: `the end ${reason} without a call`,
      streamed: texts([{ content: 'I shall look.' }], reason),
      whole: chatAnswer({ content: 'I shall look.', tool_calls: [] }, reason),
      expected: fails({ name: 'AnswerEndError', end: 'failed', reason }),
    })),
  ),
];

const nothings: unknown[] = [{}, null, '', false, 0, [], { code: 0, message: '' }, { code: null, details: {} }];
const choiceWith = (fields: Fields): Fields => ({
  index: 0,
  finish_reason: 'stop',
  message: { content: 'Hello' },
  ...fields,
});

const otherAnswers: Quirk[] = [
  ...rows(
    {
      server: 'gateways',
      sends: 'an `error` that says nothing beside an answer: `{}`, `null`, `""`, `false`, `{"code": 0, "message": ""}`',
      result: 'the answer',
    },
    nothings.flatMap((error) => [
      {
        name: `the error ${JSON.stringify(error)} beside the choices`,
        streamed: chatChunk({ content: 'Hello' }, null, { error }) + chatChunk({}, 'stop', { error }) + chatDone,
        whole: chatAnswer({ content: 'Hello' }, 'stop', { error }),
        expected: hello,
      },
      {
        name: `the error ${JSON.stringify(error)} in a choice`,
        streamed: choices({ index: 0, delta: { content: 'Hello' }, finish_reason: 'stop', error }) + chatDone,
        whole: chatAnswer({}, 'stop', { choices: [choiceWith({ error })] }),
        expected: hello,
      },
    ]),
  ),
  ...rows(
    { server: 'gateways', sends: 'an empty `error`, and no answer', result: 'a failure that the provider reports' },
    [
      {
        name: 'an empty error alone',
        streamed: sse({ error: {} }, chatDone),
        whole: { error: {} },
        expected: fails({ name: 'APIError' }),
      },
    ],
  ),
  ...rows({ server: 'OpenAI and others', sends: 'a refusal beside an empty text', result: 'the refusal' }, [
    {
      name: 'a refusal beside an empty text',
      streamed: texts([{ content: '', refusal: 'No.' }]),
      whole: chatAnswer({ content: '', refusal: 'No.' }),
      expected: { refusal: 'No.' },
    },
  ]),
  ...rows(
    {
      server: 'servers that were asked for several choices',
      sends: 'several choices, in any order, or without `index`',
      result: 'the choice with index 0, which is that of the first place where there is none',
    },
    [
      {
        name: 'the choice with index 0 behind another one',
        streamed:
          choices({ index: 1, delta: { content: 'No' } }, { index: 0, delta: { content: 'Hello' } }) +
          choices({ index: 1, delta: {}, finish_reason: 'length' }, { index: 0, delta: {}, finish_reason: 'stop' }) +
          chatDone,
        whole: chatAnswer({}, 'stop', {
          choices: [choiceWith({ index: 1, message: { content: 'No' }, finish_reason: 'length' }), choiceWith({})],
        }),
        expected: hello,
      },
      {
        name: 'two choices without an index',
        streamed:
          choices({ delta: { content: 'Hello' } }, { delta: { content: 'No' } }) +
          choices({ delta: {}, finish_reason: 'stop' }, { delta: {}, finish_reason: 'length' }) +
          chatDone,
        whole: chatAnswer({}, 'stop', {
          choices: [choiceWith({ index: undefined }), choiceWith({ index: undefined, message: { content: 'No' } })],
        }),
        expected: hello,
      },
      {
        name: 'an index that is a text',
        streamed: choices({ index: '0', delta: { content: 'Hello' }, finish_reason: 'stop' }) + chatDone,
        whole: chatAnswer({}, 'stop', {
          choices: [choiceWith({ index: '1', message: { content: 'No' } }), choiceWith({ index: '0' })],
        }),
        expected: hello,
      },
    ],
  ),
];

const oddParts: Quirk[] = rows(
  {
    server: 'gateways',
    sends: '`audio` that is empty or none; `content` that is `false`; a text in place of `delta` or `message`',
    result: 'what is none is ignored; the text counts',
  },
  [
    ...[{}, 'x', { data: 5 }, [], false].map((audio) => ({
      name: `the audio ${JSON.stringify(audio)}`,
      streamed: texts([{ content: 'Hello', audio }]),
      whole: chatAnswer({ content: 'Hello', audio }),
      expected: hello,
    })),
    {
      name: 'content that is false',
      streamed: texts([{ content: false }, { content: 'Hello' }, { content: false }]),
      expected: hello,
    },
    {
      name: 'a text in place of the delta',
      streamed: choices({ index: 0, delta: 'Hello', finish_reason: 'stop' }) + chatDone,
      whole: chatAnswer({}, 'stop', { choices: [{ index: 0, message: 'Hello', finish_reason: 'stop' }] }),
      expected: hello,
    },
  ],
);

const otherUsages: Quirk[] = [
  ...rows(
    {
      server: 'Moonshot, Groq, gateways',
      sends: 'the usage in a choice, in `x_groq`, or with the names of Responses',
      result: 'the usage',
    },
    [
      {
        name: 'usage in a choice',
        streamed:
          chatChunk({ content: 'Hello' }) +
          choices({ index: 0, delta: {}, finish_reason: 'stop', usage: counts(5, 3, 8) }) +
          chatDone,
        whole: chatAnswer({}, 'stop', { choices: [choiceWith({ usage: counts(5, 3, 8) })], usage: null }),
        expected: { ...hello, usage: [5, 3, 8] },
      },
      {
        name: 'usage in x_groq',
        streamed:
          chatChunk({ content: 'Hello' }) + chatChunk({}, 'stop', { x_groq: { usage: counts(5, 3, 8) } }) + chatDone,
        whole: chatAnswer({ content: 'Hello' }, 'stop', { usage: undefined, x_groq: { usage: counts(5, 3, 8) } }),
        expected: { ...hello, usage: [5, 3, 8] },
      },
      {
        name: 'the names of Responses',
        ...usageOf({ input_tokens: 5, output_tokens: 3 }),
        expected: { ...hello, usage: [5, 3, 8] },
      },
    ],
  ),
  ...rows({ server: 'gateways', sends: 'a usage of zero, or in part, after a real one', result: 'the real one' }, [
    {
      name: 'zeros after a usage',
      streamed:
        chatChunk({ content: 'Hello' }, 'stop') + usageChunk(counts(5, 3, 8)) + usageChunk(counts(0, 0, 0)) + chatDone,
      expected: { ...hello, usage: [5, 3, 8] },
    },
    {
      name: 'an empty usage after a usage',
      streamed:
        chatChunk({ content: 'Hello' }, 'stop') +
        usageChunk(counts(5, 3, 8)) +
        usageChunk({}) +
        usageChunk(null) +
        chatDone,
      expected: { ...hello, usage: [5, 3, 8] },
    },
  ]),
  ...rows(
    {
      server: 'DeepSeek, Moonshot, Mistral',
      sends: 'tokens of a cache as `prompt_cache_hit_tokens`, `cached_tokens` or `num_cached_tokens`',
      result: 'counted as tokens of the cache, as those in `prompt_tokens_details`',
    },
    ['prompt_cache_hit_tokens', 'cached_tokens', 'num_cached_tokens'].map((name) => ({
      name,
      ...usageOf({ ...counts(5, 3, 8), [name]: 4 }),
      expected: { ...hello, usage: [5, 3, 8] as [number, number, number], cached: 4 },
    })),
  ),
];

/** What servers send over Chat Completions: the source of the tests and of the table in the documentation. */
export const chatQuirks: Quirk[] = [
  ...callIndexes,
  ...callForms,
  ...repeated,
  ...argumentKinds,
  ...contents,
  ...ends,
  ...failures,
  ...usages,
  ...oddCalls,
  ...otherCalls,
  ...otherAnswers,
  ...oddParts,
  ...otherUsages,
  ...wire,
];
