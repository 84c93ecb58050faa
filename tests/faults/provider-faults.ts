import type { ErrorCode } from '../../src/platform/errors.ts';
import type { Reply } from '../support/fake-provider/reply.ts';

/** What is expected of a request to a provider that fails. */
export type Expected = {
  /** How often the provider that fails was asked. */
  asked: number;
  /** Who answered in the end: the provider that had failed, or the other one; or the code of the error. */
  outcome: 'itself' | 'other' | ErrorCode;
  /** The provider that answers the next request, when the faulty one is well again. Defaults to any. */
  next?: 'itself' | 'other' | 'nobody';
  /** The waiting time that a caller is told, in ms. */
  retryAfterMs?: number;
};

/** One row of the table in `docs/providers.md`, and of the tests. */
export type FaultRow = {
  number: number;
  fault: string;
  reaction: string;
  /** What the provider does; each is a case of its own. */
  replies: Reply[];
  /** How often it does that before it is well again. Defaults to as often as it is asked. */
  times?: number;
  /** Where there is another provider, and where there is none. */
  withOther: Expected;
  alone: Expected;
  /** Only in streams, or only in answers in one piece. Defaults to both. */
  only?: 'streamed' | 'whole';
  /** The clocks, in ms, where they matter. */
  limits?: { callMs: number; firstEventMs: number; idleMs: number };
};

const error = (status: number, code?: string, message?: string): Reply => ({
  error: { status, ...(code === undefined ? {} : { code }), ...(message === undefined ? {} : { message }) },
});
const limited = (headers: Record<string, string>): Reply => ({ error: { status: 429 }, headers });
const text = 'one two three';
const hasty = { callMs: 4_000, firstEventMs: 1_500, idleMs: 1_500 };
const distant = 'Sat, 01 Jan 2100 00:00:00 GMT';

const fallsOver = { asked: 1, outcome: 'other', next: 'itself' } as const;
const refused = (code: ErrorCode) => ({ asked: 1, outcome: code, next: 'itself' }) as const;

/** The faults of providers and what follows from each: one source for the tests and for the documentation. */
export const faultTable: FaultRow[] = [
  {
    number: 1,
    fault: '429 with a waiting time that fits into the time of the run',
    reaction:
      'The model is left alone for that long. The next provider is asked at once; where there is none, it is waited for.',
    replies: [limited({ 'retry-after': '5' })],
    times: 1,
    withOther: { asked: 1, outcome: 'other', next: 'other' },
    alone: { asked: 2, outcome: 'itself', next: 'itself' },
  },
  {
    number: 2,
    fault: '429 with a waiting time beyond the time of the run',
    reaction: 'Not tried again. The next provider is asked; where there is none, 503 with that waiting time.',
    replies: [limited({ 'retry-after': '600' })],
    withOther: { asked: 1, outcome: 'other', next: 'other' },
    alone: { asked: 1, outcome: 'provider_unavailable', next: 'nobody', retryAfterMs: 600_000 },
  },
  {
    number: 3,
    fault: 'A waiting time that is a date, in milliseconds, negative or nonsense',
    reaction:
      'Dates and `retry-after-ms` are understood; what is past or negative is no wait, what makes no sense is a second. A day at most.',
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
    fault: 'A date that is far away',
    reaction: 'As a waiting time of a day.',
    replies: [limited({ 'retry-after': distant })],
    withOther: { asked: 1, outcome: 'other', next: 'other' },
    alone: { asked: 1, outcome: 'provider_unavailable', next: 'nobody', retryAfterMs: 86_400_000 },
  },
  {
    number: 4,
    fault: 'A quota, a credit or a spend limit that is used up (429, 402, or 400 in words)',
    reaction:
      'Not tried again. The key is left alone, until the day that is named or for longer each time; the next provider is asked at once.',
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
    alone: { asked: 1, outcome: 'provider_unavailable', next: 'nobody' },
  },
  {
    number: 5,
    fault: '429 or 503 `slow_down`',
    reaction:
      'As 429, and calls of the model at the same time are halved, to be raised again one by one; above a million input tokens a minute by half in 15 minutes at most.',
    replies: [error(429, 'slow_down'), error(503, 'slow_down')],
    times: 1,
    withOther: { asked: 1, outcome: 'other' },
    alone: { asked: 2, outcome: 'itself', next: 'itself' },
  },
  {
    number: 6,
    fault: '500, 502, 503, 504, 529, `server_is_overloaded`',
    reaction: 'Tried once more after a short random pause, then the next provider. Counts in the circuit breaker.',
    replies: [error(500), error(502), error(503), error(504), error(529), error(503, 'server_is_overloaded')],
    withOther: { asked: 2, outcome: 'other', next: 'itself' },
    alone: { asked: 3, outcome: 'provider_unavailable', next: 'itself' },
  },
  {
    number: 7,
    fault: 'No connection, or one that is lost before the answer',
    reaction: 'The next provider at once; where there is none, once more at once. Counts in the circuit breaker.',
    replies: [{ fault: { kind: 'reset' } }, { fault: { kind: 'cut' } }],
    withOther: fallsOver,
    alone: { asked: 2, outcome: 'provider_unavailable', next: 'itself' },
  },
  {
    number: 8,
    fault: 'No first byte in time',
    reaction: 'The connection is closed and the next provider asked. Counts in the circuit breaker.',
    replies: [{ fault: { kind: 'hang' } }],
    limits: hasty,
    only: 'streamed',
    withOther: fallsOver,
    alone: { asked: 2, outcome: 'provider_unavailable', next: 'itself' },
  },
  {
    number: 8,
    fault: 'No answer in one piece in time',
    reaction: 'Each provider has its share of the time that is left; the last one has all of it.',
    replies: [{ fault: { kind: 'hang' } }],
    limits: hasty,
    only: 'whole',
    withOther: fallsOver,
    alone: { asked: 1, outcome: 'provider_unavailable', next: 'itself' },
  },
  {
    number: 9,
    fault: 'A stream that stops, with comments to keep the connection alive',
    reaction: 'Comments are no sign of life: after `PROVIDER_IDLE_TIMEOUT` the connection is closed, then as 11.',
    replies: [
      { text, fault: { kind: 'hang', afterTokens: 2, keepAliveMs: 50 } },
      { text, fault: { kind: 'hang', afterTokens: 2 } },
    ],
    limits: hasty,
    only: 'streamed',
    withOther: fallsOver,
    alone: { asked: 2, outcome: 'provider_error', next: 'itself' },
  },
  {
    number: 10,
    fault: 'An answer that ends without its end',
    reaction: 'Never taken for an answer: the next provider is asked, or the same once more.',
    replies: [
      { text, fault: { kind: 'truncate', afterTokens: 2 } },
      { text, fault: { kind: 'cut', afterTokens: 2 } },
    ],
    withOther: fallsOver,
    alone: { asked: 3, outcome: 'provider_error', next: 'itself' },
  },
  {
    number: 11,
    fault: 'Any fault after text was shown',
    reaction:
      'The text is withdrawn (`text.reset`) and the answer begins anew, unless a tool was carried out at the provider.',
    replies: [{ text, fault: { kind: 'reset', afterTokens: 2 } }],
    times: 1,
    only: 'streamed',
    withOther: { asked: 1, outcome: 'other', next: 'itself' },
    alone: { asked: 2, outcome: 'itself', next: 'itself' },
  },
  {
    number: 11,
    fault: 'A failure that is reported after text was shown',
    reaction: 'As 6, and the text is withdrawn.',
    replies: [
      { text, fault: { kind: 'failure', afterTokens: 2 } },
      { text, fault: { kind: 'failure', afterTokens: 2, event: 'error' } },
    ],
    withOther: { asked: 2, outcome: 'other', next: 'itself' },
    alone: { asked: 3, outcome: 'provider_unavailable', next: 'itself' },
  },
  {
    number: 12,
    fault: 'JSON that is broken',
    reaction: 'As 10.',
    replies: [{ text, fault: { kind: 'malformed', afterTokens: 1 } }],
    withOther: fallsOver,
    alone: { asked: 3, outcome: 'provider_error', next: 'itself' },
  },
  {
    number: 13,
    fault: 'A last event without an empty line behind it',
    reaction: 'It is an event like any other.',
    replies: [{ text: 'from the first', fault: { kind: 'unfinished' } }],
    withOther: { asked: 1, outcome: 'itself', next: 'itself' },
    alone: { asked: 1, outcome: 'itself', next: 'itself' },
  },
  {
    number: 14,
    fault: '200 with a page, or with nothing',
    reaction: 'No answer: the next provider is asked. Counts in the circuit breaker.',
    replies: [{ fault: { kind: 'html' } }, { fault: { kind: 'empty' } }],
    withOther: fallsOver,
    alone: { asked: 3, outcome: 'provider_error', next: 'itself' },
  },
  {
    number: 15,
    fault: 'A conversation that is too long (`context_length_exceeded`)',
    reaction: 'Told as it is, 400; nobody else is asked, and nothing is left alone.',
    replies: [error(400, 'context_length_exceeded')],
    withOther: refused('context_length_exceeded'),
    alone: refused('context_length_exceeded'),
  },
  {
    number: 16,
    fault: 'A request that is refused or withheld by a filter',
    reaction: 'Told as it is; nobody else is asked.',
    replies: [error(400, 'content_filter'), { text, finish: 'content_filter' }],
    withOther: refused('model_refused'),
    alone: refused('model_refused'),
  },
  {
    number: 16,
    fault: 'A request that makes no sense to the provider (400, 422)',
    reaction: 'Told as 502; nobody else is asked.',
    replies: [error(400), error(422)],
    withOther: refused('provider_error'),
    alone: refused('provider_error'),
  },
  {
    number: 16,
    fault: 'An answer that reached its token limit',
    reaction: 'Told as `output_limit_reached`, and not as an answer.',
    replies: [{ text, finish: 'length' }],
    withOther: refused('output_limit_reached'),
    alone: refused('output_limit_reached'),
  },
  {
    number: 17,
    fault: 'A key that is refused (401, 403)',
    reaction: 'The key is left alone, for longer each time; the next provider is asked. The caller never sees 401.',
    replies: [error(401), error(403)],
    withOther: { asked: 1, outcome: 'other', next: 'other' },
    alone: { asked: 1, outcome: 'provider_error', next: 'nobody' },
  },
  {
    number: 18,
    fault: 'A model that is not there (404)',
    reaction: 'The model is left alone, for longer each time; the next provider is asked.',
    replies: [error(404)],
    withOther: { asked: 1, outcome: 'other', next: 'other' },
    alone: { asked: 1, outcome: 'provider_error', next: 'nobody' },
  },
  {
    number: 19,
    fault: '408',
    reaction: 'As 8.',
    replies: [error(408)],
    withOther: fallsOver,
    alone: { asked: 2, outcome: 'provider_unavailable', next: 'itself' },
  },
  {
    number: 19,
    fault: '409',
    reaction: 'Tried once more, then the next provider.',
    replies: [error(409)],
    withOther: { asked: 2, outcome: 'other', next: 'itself' },
    alone: { asked: 2, outcome: 'provider_error', next: 'itself' },
  },
  {
    number: 22,
    fault: 'A tool call whose arguments are cut or no JSON',
    reaction: 'Never carried out: the next provider is asked, or the same once more.',
    replies: [{ toolCalls: [{ name: 'look', arguments: '{"order": "10' }] }],
    withOther: fallsOver,
    alone: { asked: 2, outcome: 'provider_error', next: 'itself' },
  },
];
