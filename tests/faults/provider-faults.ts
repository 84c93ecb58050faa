import type { ErrorCode } from '../../src/platform/errors.ts';
import type { Reply } from '../support/fake-provider/reply.ts';

/** What is expected of a request to a provider that fails. */
export type Expected = {
  /** How many requests the provider that fails received. */
  asked: number;
  /** The provider that answered in the end, the failing one or the other; or the code of the error. */
  outcome: 'itself' | 'other' | ErrorCode;
  /**
   * The provider that answers the next request, after the failing one has recovered: not the failing one, if that is not
   * used for a while. Not checked by default.
   */
  next?: 'itself' | 'other' | 'none';
  /** The waiting time in the error, in ms. */
  retryAfterMs?: number;
};

/** One row of the table in `docs/providers.md`, and of the tests. */
export type FaultRow = {
  /** Its number in test names; rows of one kind share it. */
  number: number;
  fault: string;
  reaction: string;
  /** What the provider replies; each reply is a case of its own. */
  replies: Reply[];
  /** How many requests get this reply before the provider recovers. Defaults to all requests. */
  times?: number;
  /** With another provider, and without. */
  withOther: Expected;
  alone: Expected;
  /** Whether the model has made a broken tool call in the same turn before, and was told so. */
  toldBefore?: boolean;
  /** Only in streams, or only in answers in one piece. Defaults to both. */
  only?: 'streamed' | 'whole';
  /** The timeouts, in ms, where they matter. */
  limits?: { callMs: number; firstEventMs: number; idleMs: number };
};

const brokenCall = { toolCalls: [{ name: 'look', arguments: '{"order": "10' }] };
const error = (status: number, code?: string, message?: string): Reply => ({
  error: { status, ...(code === undefined ? {} : { code }), ...(message === undefined ? {} : { message }) },
});
const overflow = (status: number, message: string): Reply => ({ error: { status, code: null, message } });
const limited = (headers: Record<string, string>): Reply => ({ error: { status: 429 }, headers });
const text = 'one two three';
const shortLimits = { callMs: 4_000, firstEventMs: 1_500, idleMs: 1_500 };
const farDate = 'Sat, 01 Jan 2100 00:00:00 GMT';

const failsOver = { asked: 1, outcome: 'other', next: 'itself' } as const;
const refused = (code: ErrorCode) => ({ asked: 1, outcome: code, next: 'itself' }) as const;

/** The faults of providers and what follows from each: the source of the tests and of the table in the documentation. */
export const faultTable: FaultRow[] = [
  {
    number: 1,
    fault: '429 with a waiting time that fits into the time of the run',
    reaction:
      'The model is not used for that long. The next provider is asked at once; where there is none, the request waits.',
    replies: [limited({ 'retry-after': '5' })],
    times: 1,
    withOther: { asked: 1, outcome: 'other', next: 'other' },
    alone: { asked: 2, outcome: 'itself', next: 'itself' },
  },
  {
    number: 2,
    fault: '429 with a waiting time beyond the time of the run',
    reaction: 'Not retried. The next provider is asked; where there is none, 503 with that waiting time.',
    replies: [limited({ 'retry-after': '600' })],
    withOther: { asked: 1, outcome: 'other', next: 'other' },
    alone: { asked: 1, outcome: 'provider_unavailable', next: 'none', retryAfterMs: 600_000 },
  },
  {
    number: 3,
    fault: '429 with a waiting time that is in milliseconds, negative or not a number',
    reaction:
      '`retry-after-ms` comes before `retry-after`, in seconds or as a date. A negative or past time is no wait, a value that is neither a number nor a date is one second. A day at most.',
    replies: [
      limited({ 'retry-after-ms': '900', 'retry-after': '600' }),
      limited({ 'retry-after': '-5' }),
      limited({ 'retry-after': 'soon' }),
    ],
    times: 1,
    withOther: { asked: 1, outcome: 'other' },
    alone: { asked: 2, outcome: 'itself', next: 'itself' },
  },
  {
    number: 3,
    fault: '429 with a date that is further away than a day',
    reaction: 'As status 429 with a waiting time of a day.',
    replies: [limited({ 'retry-after': farDate })],
    withOther: { asked: 1, outcome: 'other', next: 'other' },
    alone: { asked: 1, outcome: 'provider_unavailable', next: 'none', retryAfterMs: 86_400_000 },
  },
  {
    number: 4,
    fault: 'A quota, a credit or a spend limit that is exhausted (429, 402, or 400 with a message that says so)',
    reaction:
      'Not retried. The key is not used until the day that the message names, else for longer each time. The next provider is asked at once.',
    replies: [
      error(429, 'insufficient_quota'),
      error(429, 'credit_balance_exhausted'),
      error(402),
      error(
        400,
        'invalid_request_error',
        'You have reached your API usage limits. You will regain access on 2099-01-01.',
      ),
    ],
    withOther: { asked: 1, outcome: 'other', next: 'other' },
    alone: { asked: 1, outcome: 'provider_unavailable', next: 'none' },
  },
  {
    number: 5,
    fault: '429 or 503 `slow_down`',
    reaction:
      'As status 429 with a waiting time. The concurrency of the model is halved and raised again one by one; above a million input tokens a minute by at most half in 15 minutes.',
    replies: [error(429, 'slow_down'), error(503, 'slow_down')],
    times: 1,
    withOther: { asked: 1, outcome: 'other' },
    alone: { asked: 2, outcome: 'itself', next: 'itself' },
  },
  {
    number: 6,
    fault: '500, 502, 503, 504, 529, `server_is_overloaded`',
    reaction:
      'Retried once after a short random pause, then the next provider is asked. Counts in the circuit breaker.',
    replies: [error(500), error(502), error(503), error(504), error(529), error(503, 'server_is_overloaded')],
    withOther: { asked: 2, outcome: 'other', next: 'itself' },
    alone: { asked: 3, outcome: 'provider_unavailable', next: 'itself' },
  },
  {
    number: 7,
    fault: 'No connection, or a connection lost before the answer',
    reaction:
      'The next provider is asked at once; where there is none, one retry at once. Counts in the circuit breaker.',
    replies: [{ fault: { kind: 'reset' } }, { fault: { kind: 'cut' } }],
    withOther: failsOver,
    alone: { asked: 2, outcome: 'provider_unavailable', next: 'itself' },
  },
  {
    number: 8,
    fault: 'No first byte in time',
    reaction:
      'The connection is closed and the next provider is asked; where there is none, one retry at once. Counts in the circuit breaker.',
    replies: [{ fault: { kind: 'hang' } }],
    limits: shortLimits,
    only: 'streamed',
    withOther: failsOver,
    alone: { asked: 2, outcome: 'provider_unavailable', next: 'itself' },
  },
  {
    number: 8,
    fault: 'No answer in one piece in time',
    reaction: 'Each provider has an equal share of the time that is left; the last one has all of it.',
    replies: [{ fault: { kind: 'hang' } }],
    limits: shortLimits,
    only: 'whole',
    withOther: failsOver,
    alone: { asked: 1, outcome: 'provider_unavailable', next: 'itself' },
  },
  {
    number: 9,
    fault: 'A stream that stops, with or without comments to keep the connection alive',
    reaction:
      'Comments do not count as events: after `PROVIDER_IDLE_TIMEOUT` the connection is closed, then as a connection lost after text was shown.',
    replies: [
      { text, fault: { kind: 'hang', afterTokens: 2, keepAliveMs: 50 } },
      { text, fault: { kind: 'hang', afterTokens: 2 } },
    ],
    limits: shortLimits,
    only: 'streamed',
    withOther: failsOver,
    alone: { asked: 2, outcome: 'provider_error', next: 'itself' },
  },
  {
    number: 10,
    fault: 'An answer that is truncated',
    reaction:
      'Never accepted as an answer: the next provider is asked; where there is none, the same one again, up to three attempts.',
    replies: [
      { text, fault: { kind: 'truncate', afterTokens: 2 } },
      { text, fault: { kind: 'cut', afterTokens: 2 } },
    ],
    withOther: failsOver,
    alone: { asked: 3, outcome: 'provider_error', next: 'itself' },
  },
  {
    number: 11,
    fault: 'A connection lost after text was shown',
    reaction:
      'The text is withdrawn (`text.reset`) and the answer begins anew, at the next provider or at the same one, unless the provider has executed a tool. The text is withdrawn after any other fault too.',
    replies: [{ text, fault: { kind: 'reset', afterTokens: 2 } }],
    times: 1,
    only: 'streamed',
    withOther: { asked: 1, outcome: 'other', next: 'itself' },
    alone: { asked: 2, outcome: 'itself', next: 'itself' },
  },
  {
    number: 11,
    fault: 'A failure that is reported after text was shown',
    reaction: 'As status 500, and the text is withdrawn.',
    replies: [
      { text, fault: { kind: 'failure', afterTokens: 2 } },
      { text, fault: { kind: 'failure', afterTokens: 2, event: 'error' } },
    ],
    withOther: { asked: 2, outcome: 'other', next: 'itself' },
    alone: { asked: 3, outcome: 'provider_unavailable', next: 'itself' },
  },
  {
    number: 11,
    fault: 'A failure in a stream whose code is a status, as a number (429)',
    reaction: 'As that status, and the text is withdrawn.',
    replies: [{ text, fault: { kind: 'failure', afterTokens: 2, code: 429 } }],
    times: 1,
    only: 'streamed',
    withOther: { asked: 1, outcome: 'other' },
    alone: { asked: 2, outcome: 'itself', next: 'itself' },
  },
  {
    number: 11,
    fault: 'A failure in a stream whose code is a status, as a number (400)',
    reaction: 'As that status: not retried, and no other provider is asked.',
    replies: [{ text, fault: { kind: 'failure', afterTokens: 2, code: 400 } }],
    only: 'streamed',
    withOther: refused('provider_error'),
    alone: refused('provider_error'),
  },
  {
    number: 12,
    fault: 'Invalid JSON in an answer',
    reaction: 'As an answer that is truncated.',
    replies: [{ text, fault: { kind: 'malformed', afterTokens: 1 } }],
    withOther: failsOver,
    alone: { asked: 3, outcome: 'provider_error', next: 'itself' },
  },
  {
    number: 13,
    fault: 'A last event without an empty line after it',
    reaction: 'Accepted as an event.',
    replies: [{ text: 'from the first', fault: { kind: 'unfinished' } }],
    withOther: { asked: 1, outcome: 'itself', next: 'itself' },
    alone: { asked: 1, outcome: 'itself', next: 'itself' },
  },
  {
    number: 14,
    fault: '200 with an HTML page, or with an empty body',
    reaction: 'As an answer that is truncated. Counts in the circuit breaker.',
    replies: [{ fault: { kind: 'html' } }, { fault: { kind: 'empty' } }],
    withOther: failsOver,
    alone: { asked: 3, outcome: 'provider_error', next: 'itself' },
  },
  {
    number: 15,
    fault: 'A conversation that is too long (`context_length_exceeded`)',
    reaction: 'The run fails with this code, 400. No other provider is asked, and the provider stays in use.',
    replies: [error(400, 'context_length_exceeded')],
    withOther: refused('context_length_exceeded'),
    alone: refused('context_length_exceeded'),
  },
  {
    number: 15,
    fault:
      'The same at servers that have no such code: llama.cpp, vLLM, LiteLLM, Mistral, Anthropic, Gemini and others (400, 413, 422, 500, or within a stream)',
    reaction: 'Recognised by the message: the run fails with `context_length_exceeded`, 400.',
    replies: [
      overflow(400, 'request (6136 tokens) exceeds the available context size (2048 tokens), try increasing it'),
      overflow(400, "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens."),
      overflow(400, 'litellm.ContextWindowExceededError: litellm.BadRequestError: too many tokens'),
      overflow(422, 'Prompt contains 40000 tokens, too large for model with 32768 maximum context length'),
      overflow(413, 'prompt is too long: 210000 tokens > 200000 maximum'),
      overflow(500, 'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).'),
    ],
    withOther: refused('context_length_exceeded'),
    alone: refused('context_length_exceeded'),
  },
  {
    number: 16,
    fault: 'A request or an answer that is refused by a content filter',
    reaction: 'The run fails with `model_refused`. No other provider is asked.',
    replies: [error(400, 'content_filter'), { text, finish: 'content_filter' }],
    withOther: refused('model_refused'),
    alone: refused('model_refused'),
  },
  {
    number: 16,
    fault: 'A request that the provider rejects as invalid (400, 422)',
    reaction: 'The run fails with `provider_error`, 502. No other provider is asked.',
    replies: [error(400), error(422)],
    withOther: refused('provider_error'),
    alone: refused('provider_error'),
  },
  {
    number: 16,
    fault: 'An answer that reached its token limit',
    reaction: 'Not accepted as an answer: the run fails with `output_limit_reached`.',
    replies: [{ text, finish: 'length' }],
    withOther: refused('output_limit_reached'),
    alone: refused('output_limit_reached'),
  },
  {
    number: 16,
    fault:
      'An answer whose end is none of the known good ones (`error`, `abort`, `cancelled`, and any that is not known)',
    reaction: 'Never accepted as an answer: as an answer that is truncated.',
    replies: [{ text, finish: 'error' }],
    withOther: failsOver,
    alone: { asked: 3, outcome: 'provider_error', next: 'itself' },
  },
  {
    number: 16,
    fault: 'An answer without text, refusal or tool call: empty, or with reasoning alone',
    reaction:
      'Asked once more, then the next provider is asked; where there is none, the run fails with `empty_answer`, 502. An empty text right after the output of a tool is an answer.',
    replies: [{ text: '' }, {}],
    withOther: { asked: 2, outcome: 'other', next: 'itself' },
    alone: { asked: 2, outcome: 'empty_answer', next: 'itself' },
  },
  {
    number: 17,
    fault: 'A key that is refused (401, 403)',
    reaction: 'The key is not used, for longer each time. The next provider is asked. The caller never gets 401.',
    replies: [error(401), error(403)],
    withOther: { asked: 1, outcome: 'other', next: 'other' },
    alone: { asked: 1, outcome: 'provider_error', next: 'none' },
  },
  {
    number: 18,
    fault: 'A model that does not exist (404, or 400 with a message that says so)',
    reaction: 'The model is not used, for longer each time. The next provider is asked.',
    replies: [error(404), error(400, undefined, 'Invalid model name passed in model=gpt-9. Call `/v1/models`.')],
    withOther: { asked: 1, outcome: 'other', next: 'other' },
    alone: { asked: 1, outcome: 'provider_error', next: 'none' },
  },
  {
    number: 19,
    fault: '408',
    reaction: 'As no first byte in time: the next provider is asked; where there is none, one retry at once.',
    replies: [error(408)],
    withOther: failsOver,
    alone: { asked: 2, outcome: 'provider_unavailable', next: 'itself' },
  },
  {
    number: 19,
    fault: '409',
    reaction: 'Retried once, then the next provider is asked.',
    replies: [error(409)],
    withOther: { asked: 2, outcome: 'other', next: 'itself' },
    alone: { asked: 2, outcome: 'provider_error', next: 'itself' },
  },
  {
    number: 22,
    fault: 'A tool call whose arguments are truncated or no JSON, for the second time in a turn, or for a handoff',
    reaction:
      'Never executed: the next provider is asked; where there is none, the same one once more. The first time in a turn, the model is told, as by the SDK.',
    replies: [brokenCall],
    toldBefore: true,
    withOther: failsOver,
    alone: { asked: 2, outcome: 'provider_error', next: 'itself' },
  },
  {
    number: 23,
    fault: 'A call of a tool that the agent does not have',
    reaction:
      'Never executed: asked once more, then the next provider is asked; where there is none, the run fails with `tool_not_found`, 502, which names the tool. With `toolNotFoundBehavior: "return_error_to_model"` the SDK tells the model of functions that the agent does not have.',
    replies: [
      { toolCalls: [{ name: 'peek', arguments: {} }] },
      { text: 'See.', toolCalls: [{ name: 'Look', arguments: {} }] },
    ],
    withOther: { asked: 2, outcome: 'other', next: 'itself' },
    alone: { asked: 2, outcome: 'tool_not_found', next: 'itself' },
  },
];
