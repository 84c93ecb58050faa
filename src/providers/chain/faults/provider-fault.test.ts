import OpenAI from 'openai';
import { expect, test } from 'vitest';
import { classifyFault, type FaultKind, ProviderFault, ReportedFailure } from './provider-fault.ts';

const nowMs = Date.parse('2026-11-26T00:00:00Z');
const apiError = (status: number, error: object = {}, headers: Record<string, string> = {}) =>
  OpenAI.APIError.generate(status, { error }, undefined, new Headers(headers));
const caused = (code: string) =>
  new OpenAI.APIConnectionError({
    message: 'x',
    cause: Object.assign(new TypeError('fetch failed'), { cause: { code } }),
  });

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
