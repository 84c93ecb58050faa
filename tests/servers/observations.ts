/** What the servers send that a reader of OpenAI's documentation would not expect; each is seen in a capture. */
import type { Exchange, ReplayOutcome, StoredCapture } from './capture.ts';

/** One observation, and how it is seen. */
export type Observation = {
  server: string;
  /** The file of the capture, without the folder of the server. */
  capture: string;
  quirk: string;
  /** Whether an exchange shows it. */
  shows(exchange: Exchange): boolean;
};

const bodyOf = ({ chunks }: Exchange): string => chunks.join('');
const requestOf = ({ request }: Exchange) => request as Record<string, unknown>;
const has =
  (...texts: string[]) =>
  (exchange: Exchange): boolean =>
    texts.every((text) => bodyOf(exchange).includes(text));
const hasNot =
  (...texts: string[]) =>
  (exchange: Exchange): boolean =>
    texts.every((text) => !bodyOf(exchange).includes(text));
const both =
  (...conditions: ((exchange: Exchange) => boolean)[]) =>
  (exchange: Exchange): boolean =>
    conditions.every((condition) => condition(exchange));
const answeredWith =
  (status: number) =>
  (exchange: Exchange): boolean =>
    exchange.status === status;

/** llama.cpp's server, however it is packaged. */
const llamaCpp = (server: string): Observation[] => [
  {
    server,
    capture: 'chat_completions-context-overflow.json',
    quirk:
      'a conversation that is too long: 400 with the number 400 as `code`, and `exceed_context_size_error` as `type`',
    shows: both(answeredWith(400), has('"code":400', 'exceed_context_size_error')),
  },
  {
    server,
    capture: 'chat_completions-stream.json',
    quirk: 'the first event of a stream has `content: null`; usage comes in an event of its own, without choices',
    shows: has('"content":null', '"choices":[]', '"usage":{'),
  },
  {
    server,
    capture: 'chat_completions-two-tools.json',
    quirk: 'two calls in one stream, with an `index` each, ids without `call_`, and a token of arguments in each event',
    shows: has('"index":0,"id":"', '"index":1,"id":"', '"finish_reason":"tool_calls"'),
  },
  {
    server,
    capture: 'chat_completions-cut-call.json',
    quirk: 'the arguments of a call are cut by the token limit: `finish_reason: "length"`',
    shows: has('"tool_calls"', '"finish_reason":"length"'),
  },
  {
    server,
    capture: 'chat_completions-empty-streamed.json',
    quirk: 'the model ends at once: `finish_reason: "stop"`, without any `content`',
    shows: both(has('"finish_reason":"stop"'), (exchange) => !/"content":"[^"]/.test(bodyOf(exchange))),
  },
  {
    server,
    capture: 'chat_completions-named-tool.json',
    quirk: '`tool_choice` that names a tool counts as `auto`; it is not refused',
    shows: (exchange) => exchange.status === 200 && typeof requestOf(exchange).tool_choice === 'object',
  },
  {
    server,
    capture: 'chat_completions-wrong-model.json',
    quirk: 'a model that it does not have: answered by the one that it has, under the name of its file',
    shows: both(answeredWith(200), has('"model":"model.gguf"')),
  },
  {
    server,
    capture: 'responses-stream.json',
    quirk: 'the events of Responses have no `sequence_number`, no `output_index` and no `content_index`',
    shows: both(has('response.output_text.delta'), hasNot('sequence_number', 'output_index', 'content_index')),
  },
  {
    server,
    capture: 'responses-cut-streamed.json',
    quirk: 'Responses: an answer that `max_output_tokens` has cut says `completed`, not `incomplete`',
    shows: (exchange) => {
      const usage = /"output_tokens":(\d+)/.exec(bodyOf(exchange))?.[1];
      return has('"status":"completed"')(exchange) && Number(usage) === requestOf(exchange).max_output_tokens;
    },
  },
  {
    server,
    capture: 'responses-cut-call.json',
    quirk: 'Responses: a call whose arguments are cut says `completed`, too',
    shows: has('response.function_call_arguments.delta', 'response.completed'),
  },
  {
    server,
    capture: 'responses-structured-unguided.json',
    quirk: 'Responses: `text.format` has no effect; it is not refused',
    shows: (exchange) => 'text' in requestOf(exchange) && /"text":" ?[^{"]/.test(bodyOf(exchange)),
  },
  {
    server,
    capture: 'responses-empty-streamed.json',
    quirk: 'Responses: the model ends at once: `response.completed` with an empty `output`',
    shows: has('response.completed', '"output":[]'),
  },
  {
    server,
    capture: 'chat_completions-unknown-key.json',
    quirk: 'a key that it does not know: 401',
    shows: answeredWith(401),
  },
];

const of = (server: string, rows: Omit<Observation, 'server'>[]): Observation[] =>
  rows.map((row) => ({ ...row, server }));

/** How often something is in an answer. */
const countIn = (exchange: Exchange, text: string): number => bodyOf(exchange).split(text).length - 1;

/** All observations, in the order of the page. */
export const observations: readonly Observation[] = [
  ...llamaCpp('xllamacpp'),
  ...llamaCpp('llama-server'),
  ...of('litellm', [
    {
      capture: 'chat_completions-context-overflow.json',
      quirk: 'a conversation that is too long: 400 with the text `"400"` as `code`; only the message names the reason',
      shows: both(answeredWith(400), has('"code":"400"', 'ContextWindowExceededError')),
    },
    {
      capture: 'chat_completions-wrong-model.json',
      quirk: 'a model that it does not have: 400, not 404; only the message names the reason',
      shows: both(answeredWith(400), has('Invalid model name passed')),
    },
    {
      capture: 'chat_completions-unknown-key.json',
      quirk: 'a key that it does not know, without a database: 400 `No connected db.`, not 401',
      shows: both(answeredWith(400), has('No connected db.')),
    },
    {
      capture: 'responses-cut-streamed.json',
      quirk: 'Responses: `max_output_tokens` below 16 is raised to 16',
      shows: (exchange) =>
        requestOf(exchange).max_output_tokens === 5 && Number(/"output_tokens":(\d+)/.exec(bodyOf(exchange))?.[1]) > 5,
    },
    {
      capture: 'responses-stream.json',
      quirk: 'Responses: the id of a response has more than 400 characters',
      shows: (exchange) => /"id":"resp_[^"]{400,}"/.test(bodyOf(exchange)),
    },
  ]),
  ...of('llama-cpp-python', [
    {
      capture: 'chat_completions-stream.json',
      quirk: 'a stream has no usage, although `stream_options.include_usage` asks for it',
      shows: (exchange) => 'stream_options' in requestOf(exchange) && hasNot('"usage"')(exchange),
    },
    {
      capture: 'chat_completions-named-tool.json',
      quirk: 'every event of a call repeats its `id`, `type` and `name`, and the role is null',
      shows: (exchange) => countIn(exchange, '"tool_calls": [{"index": 0, "id": "call_') > 3,
    },
    {
      capture: 'chat_completions-named-tool.json',
      quirk: '`content: null` beside the calls of a message, as the SDK sends it, is refused with 500',
      shows: both(answeredWith(500), has("'tool_calls': [")),
    },
    {
      capture: 'chat_completions-tool-unstreamed.json',
      quirk: '`tool_choice: "required"` has no effect; it is not refused',
      shows: (exchange) => requestOf(exchange).tool_choice === 'required' && hasNot('"tool_calls": [')(exchange),
    },
    {
      capture: 'chat_completions-structured.json',
      quirk: '`response_format` with a schema is refused with 500',
      shows: both(answeredWith(500), has("expected': \\\"'text' or 'json_object'")),
    },
    {
      capture: 'chat_completions-context-overflow.json',
      quirk: 'a conversation that is too long: 400 `context_length_exceeded`, as OpenAI says it',
      shows: both(answeredWith(400), has('"code":"context_length_exceeded"')),
    },
    {
      capture: 'chat_completions-context-overflow-streamed.json',
      quirk: 'a conversation that is too long, streamed: status 200, and a stream without an event',
      shows: ({ status, chunks }) => status === 200 && chunks.length === 0,
    },
    {
      capture: 'chat_completions-unknown-key.json',
      quirk: 'a key that it does not know: 401 with `detail` in place of `error`',
      shows: both(answeredWith(401), has('{"detail":')),
    },
  ]),
  ...of('ollama', [
    {
      capture: 'chat_completions-stream.json',
      quirk: 'every event repeats the role, and the last one has an empty `content`',
      shows: both(has('"delta":{"role":"assistant","content":""},"finish_reason":"stop"'), (exchange) => {
        return countIn(exchange, '"role":"assistant"') > 3;
      }),
    },
    {
      capture: 'chat_completions-two-tools.json',
      quirk: 'a call comes whole in one event, beside an empty `content`; two calls have an `index` each',
      shows: has('"content":"","tool_calls":[{"id":"call_', '"index":1,"type":"function"'),
    },
    {
      capture: 'chat_completions-cut-call.json',
      quirk: 'a call that the token limit has cut is left out: `finish_reason: "length"` after a blank',
      shows: both(has('"finish_reason":"length"'), hasNot('"tool_calls"', '<tool_call>')),
    },
    {
      capture: 'chat_completions-context-overflow.json',
      quirk:
        'a conversation that is too long is shortened without a word; `prompt_tokens` is what is left of it (its answer was then cut, at 5 tokens)',
      shows: both(answeredWith(200), (exchange) => Number(/"prompt_tokens":(\d+)/.exec(bodyOf(exchange))?.[1]) < 2_049),
    },
    {
      capture: 'chat_completions-wrong-model.json',
      quirk: 'a model that it does not have: 404',
      shows: answeredWith(404),
    },
    {
      capture: 'responses-cut-streamed.json',
      quirk: 'Responses: an answer that `max_output_tokens` has cut says `completed`, not `incomplete`',
      shows: (exchange) =>
        has('"status":"completed"')(exchange) &&
        Number(/"output_tokens":(\d+)/.exec(bodyOf(exchange))?.[1]) === requestOf(exchange).max_output_tokens,
    },
    {
      capture: 'responses-two-tools.json',
      quirk: 'Responses: a text is streamed before the calls that `response.completed` does not have',
      shows: (exchange) => has('response.output_text.delta')(exchange),
    },
  ]),
];

const tokensOf = ({ input, output }: { input: number; output: number }): string =>
  input + output === 0 ? 'no tokens counted' : `${input} + ${output} tokens`;

/** What comes of an answer, in words. */
export function wordsOf(outcome: ReplayOutcome): string {
  if ('fault' in outcome) return `the fault \`${outcome.fault}\``;
  const calls = outcome.toolCalls.length;
  const parts = [...(outcome.text === '' ? [] : ['text']), ...(calls === 0 ? [] : [`${calls} tool calls`])];
  return `${parts.join(' and ') || 'an empty answer'}, ${tokensOf(outcome.usage)}`.replace(
    '1 tool calls',
    '1 tool call',
  );
}

/** The exchange that shows an observation. */
export function shownBy({ server, capture, shows }: Observation, captures: readonly StoredCapture[]) {
  const stored = captures.find(({ path, capture: of }) => of.server === server && path.endsWith(`/${capture}`));
  const exchange = stored?.capture.exchanges.find(shows);
  if (stored === undefined || exchange === undefined) throw new Error(`No capture of ${server} shows ${capture}.`);
  return { stored, exchange };
}
