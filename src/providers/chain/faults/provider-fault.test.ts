import OpenAI from 'openai';
import { expect, test } from 'vitest';
import { AnswerEndError, statusFailed } from '../../transport/call-errors.ts';
import { classifyFault, type FaultKind, ProviderFault, ReportedFailure } from './provider-fault.ts';

const nowMs = Date.parse('2026-11-26T00:00:00Z');
const apiError = (status: number, error: object = {}, headers: Record<string, string> = {}) =>
  OpenAI.APIError.generate(status, { error }, undefined, new Headers(headers));
const caused = (code: string) =>
  new OpenAI.APIConnectionError({
    message: 'x',
    cause: Object.assign(new TypeError('fetch failed'), { cause: { code } }),
  });

const inStream = (error: object) => new OpenAI.APIError(undefined, error, undefined, undefined);
const ended = (end: 'cut' | 'refused' | 'failed', reason: string) => new AnswerEndError(end, reason);

const kinds: [what: string, error: unknown, kind: FaultKind | undefined, answering?: boolean][] = [
  ['429', apiError(429), 'rate_limited'],
  ['429 of a quota', apiError(429, { code: 'insufficient_quota' }), 'quota_exhausted'],
  ['429 of a credit', apiError(429, { code: 'credit_balance_exhausted' }), 'quota_exhausted'],
  ['a spend limit', apiError(429, { type: 'enforced_spend_limit_reached' }), 'quota_exhausted'],
  ['402', apiError(402), 'quota_exhausted'],
  ['a request to slow down', apiError(429, { code: 'slow_down' }), 'slow_down'],
  ['the same with 503', apiError(503, { code: 'slow_down' }), 'slow_down'],
  ['500', apiError(500), 'server_error'],
  ['502', apiError(502), 'server_error'],
  ['503', apiError(503), 'overloaded'],
  ['504', apiError(504), 'server_error'],
  ['529', apiError(529), 'overloaded'],
  ['401', apiError(401), 'credentials_refused'],
  ['403', apiError(403), 'credentials_refused'],
  ['404', apiError(404), 'model_not_found'],
  ['408', apiError(408), 'timed_out'],
  ['409', apiError(409), 'conflict'],
  ['400', apiError(400), 'bad_request'],
  ['422', apiError(422), 'bad_request'],
  ['a conversation beyond the context length', apiError(400, { code: 'context_length_exceeded' }), 'context_too_long'],
  ['a content filter', apiError(400, { code: 'content_filter' }), 'content_filtered'],
  ['a refused connection', caused('ECONNREFUSED'), 'unreachable'],
  ['an unknown host name', caused('ENOTFOUND'), 'unreachable'],
  ['a connection lost before the answer', caused('ECONNRESET'), 'unreachable'],
  ['a connection lost in the answer', caused('ECONNRESET'), 'truncated', true],
  ['a body that breaks off', new TypeError('terminated'), 'truncated'],
  ['a timeout of the client', new OpenAI.APIConnectionTimeoutError(), 'timed_out'],
  ['an event that is no JSON', new SyntaxError('x'), 'malformed', true],
  [
    'a failure in a stream',
    new OpenAI.APIError(undefined, { code: 'server_error' }, undefined, undefined),
    'server_error',
    true,
  ],
  ['a limit met in a stream', new ReportedFailure('rate_limit_exceeded'), 'rate_limited', true],
  ['a status in a stream', inStream({ code: 429 }), 'rate_limited', true],
  ['a status in a stream as a text', inStream({ code: '503' }), 'overloaded', true],
  ['400 in a stream', inStream({ code: 400, type: 'BadRequestError' }), 'bad_request', true],
  ['401 in a stream', inStream({ code: 401 }), 'credentials_refused', true],
  ['404 in a stream', inStream({ code: 404 }), 'model_not_found', true],
  ['500 in a stream', inStream({ code: 500 }), 'server_error', true],
  ['a number that is no status', inStream({ code: 1261 }), 'server_error', true],
  ['a status that a model of the application reports', new ReportedFailure(429), 'rate_limited', true],
  ['an error that is a text', inStream({ message: 'model not loaded' }), 'server_error', true],
  [
    "a request that a server of OpenAI's kind refuses",
    inStream({ type: 'invalid_request_error' }),
    'bad_request',
    true,
  ],
  ["Anthropic's overload", apiError(500, { type: 'overloaded_error' }), 'overloaded'],
  ["Anthropic's limit in a stream", inStream({ type: 'rate_limit_error' }), 'rate_limited', true],
  ["Anthropic's key in a stream", inStream({ type: 'authentication_error' }), 'credentials_refused', true],
  ["Google's limit", inStream({ status: 'RESOURCE_EXHAUSTED' }), 'rate_limited', true],
  ["Google's outage", inStream({ status: 'UNAVAILABLE' }), 'overloaded', true],
  ["Google's refusal of a request", inStream({ status: 'INVALID_ARGUMENT' }), 'bad_request', true],
  [
    "Google's refusal of a key",
    apiError(400, { code: 400, message: 'API key not valid. Please pass a valid one.' }),
    'credentials_refused',
  ],
  [
    "Azure's filter",
    apiError(400, { code: null, innererror: { code: 'ResponsibleAIPolicyViolation' } }),
    'content_filtered',
  ],
  ['a model that still loads', apiError(503, { code: 503, type: 'unavailable_error' }), 'overloaded'],
  [
    'a key that LiteLLM has no database to look it up in',
    apiError(400, { message: 'No connected db.', type: 'no_db_connection', code: '400' }),
    'credentials_refused',
  ],
  ['an end by a lack of resources', ended('failed', 'insufficient_system_resource'), 'overloaded'],
  ['an end that is a failure', ended('failed', 'error'), 'answer_failed'],
  ['an end by the token limit', ended('cut', 'max_tokens'), 'output_limit'],
  ['an end by a filter', ended('refused', 'SAFETY'), 'content_filtered'],
  ['a failure that is reported', new ReportedFailure(null), 'server_error'],
  ['a fault that this service detected', new ProviderFault('truncated', 'x'), 'truncated'],
  ['a mistake in a program', new TypeError('x is undefined'), undefined],
  ['an error of an application', new Error('no'), undefined],
  ['undefined', undefined, undefined],
  ['a string', 'no', undefined],
];

test.each(kinds)('%s is recognised', (_, error, kind, answering = false) => {
  expect(classifyFault(error, answering, nowMs)?.kind).toBe(kind);
});

const tooLong: [server: string, message: string][] = [
  ['llama.cpp', 'request (6136 tokens) exceeds the available context size (2048 tokens), try increasing it'],
  ['vLLM', "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens."],
  ['vLLM, a prompt alone', 'The decoder prompt (length 5000) is longer than the maximum model length of 4096.'],
  ['SGLang', "The input (5000 tokens) is longer than the model's context length (4096 tokens)."],
  ['LiteLLM', 'litellm.ContextWindowExceededError: litellm.BadRequestError: OpenAIException - too much'],
  ['Mistral', 'Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length'],
  ['Anthropic', 'prompt is too long: 210000 tokens > 200000 maximum'],
  ['Anthropic, with the answer', 'input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000'],
  ['Gemini', 'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).'],
  ['Bedrock', 'Input is too long for requested model.'],
  ['xAI', "This model's maximum prompt length is 131072 but the request contains 537812 tokens."],
];

test.each(tooLong)('a conversation that is too long for the model is recognised at %s', (_, message) => {
  for (const status of [400, 413, 422, 500]) {
    expect(classifyFault(apiError(status, { message, code: status }), false, nowMs)?.kind).toBe('context_too_long');
  }
  expect(classifyFault(inStream({ message, code: 400 }), true, nowMs)?.kind).toBe('context_too_long');
  expect(classifyFault(inStream({ message }), true, nowMs)?.kind).toBe('context_too_long');
  expect(classifyFault(apiError(429, { message }), false, nowMs)?.kind).toBe('rate_limited');
});

test.each([
  ['LiteLLM', 400, 'Invalid model name passed in model=gpt-9. Call `/v1/models` to view available models.'],
  ['Ollama', 404, "model 'x' not found"],
  ['Ollama, not with 404', 500, "model 'x' not found, try pulling it first"],
  ['vLLM', 400, 'The model `x` does not exist.'],
  ['OpenRouter', 400, 'x/y is not a valid model ID'],
  ['Mistral', 400, 'Invalid model: x'],
])('a model that does not exist is recognised at %s', (_, status, message) => {
  expect(classifyFault(apiError(status, { message }), false, nowMs)?.kind).toBe('model_not_found');
});

test.each([
  ['RESOURCE_EXHAUSTED', 429, 'rate_limited'],
  ['INVALID_ARGUMENT', 400, 'bad_request'],
  ['UNAVAILABLE', 503, 'overloaded'],
] as const)("the body of Google's errors may be a list: %s", (word, code, kind) => {
  const body = JSON.stringify([{ error: { code, message: 'no', status: word } }]);
  expect(classifyFault(statusFailed(code, body, new Headers()), false, nowMs)).toMatchObject({ kind, status: code });
});

test("a conversation that is too long is recognised in Google's list", () => {
  const message = 'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).';
  const body = JSON.stringify([{ error: { code: 400, message, status: 'INVALID_ARGUMENT' } }]);
  expect(classifyFault(statusFailed(400, body, new Headers()), false, nowMs)?.kind).toBe('context_too_long');
});

test.each(['{"error":"prompt is too long: 2 tokens > 1 maximum"}', 'prompt is too long: 2 tokens > 1 maximum'])(
  'an error that is a text is read: %s',
  (body) => {
    expect(classifyFault(statusFailed(400, body, new Headers()), false, nowMs)?.kind).toBe('context_too_long');
  },
);

test('a status in a stream is that of its fault', () => {
  expect(classifyFault(inStream({ code: 429 }), true, nowMs)).toMatchObject({ kind: 'rate_limited', status: 429 });
});

test('a spend limit that names the day of its end lasts until then', () => {
  const message =
    'You have reached your specified API usage limits. You will regain access on 2026-11-26 at 06:30 UTC.';
  expect(classifyFault(apiError(400, { message }), false, nowMs)).toEqual({
    kind: 'quota_exhausted',
    status: 400,
    waitMs: 6.5 * 3_600_000,
  });
});

test('the waiting time of an error is that of its headers', () => {
  expect(classifyFault(apiError(429, {}, { 'retry-after': '7' }), false, nowMs)?.waitMs).toBe(7_000);
  expect(classifyFault(apiError(429), false, nowMs)?.waitMs).toBeNull();
});

test('an error of another copy of the client library is recognised', () => {
  const Foreign = { APIError: class APIError extends Error {} }.APIError;
  expect(classifyFault(Object.assign(new Foreign('x'), { status: 429 }), false, nowMs)?.kind).toBe('rate_limited');
});
