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
    capture: 'responses-cut-call.json',
    quirk: 'Responses: a conversation with a call whose arguments are no JSON is answered with 500, each time',
    shows: both(answeredWith(500), has('Failed to parse tool call arguments as JSON')),
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

const litellm = (rows: Omit<Observation, 'server'>[]): Observation[] =>
  rows.map((row) => ({ ...row, server: 'litellm' }));

/** All observations, in the order of the page. */
export const observations: readonly Observation[] = [
  ...llamaCpp('xllamacpp'),
  ...llamaCpp('llama-server'),
  {
    server: 'llama-cpp-python',
    capture: 'chat_completions-named-tool.json',
    quirk: 'a call in a stream has its name in each event; usage is not counted in streams',
    shows: (exchange) => (bodyOf(exchange).match(/"name": ?"lookup_order"/g) ?? []).length > 2,
  },
  ...litellm([
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
