import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type ErrorCode, type ErrorEntry, errorCatalogue, ServiceError } from './errors.ts';

const entries = Object.entries(errorCatalogue) as [ErrorCode, ErrorEntry<never>][];

/** The codes that clients were promised, by status. They may become more; none may go or change its status. */
const promised: Record<number, ErrorCode[]> = {
  400: ['malformed_json', 'context_length_exceeded'],
  401: ['unauthorized'],
  403: ['forbidden'],
  404: ['not_found'],
  409: ['session_busy', 'not_waiting', 'run_not_active'],
  413: ['payload_too_large'],
  415: ['unsupported_media_type'],
  422: ['validation_failed', 'idempotency_key_reused', 'guardrail_tripped', 'model_refused', 'max_turns_exceeded'],
  429: ['too_many_runs', 'rate_limited', 'budget_exceeded'],
  499: ['cancelled'],
  500: ['agent_error', 'internal'],
  502: ['provider_error', 'empty_answer', 'tool_not_found'],
  503: ['provider_unavailable', 'shutting_down', 'store_unavailable'],
  504: ['run_timed_out'],
};
/** What the catalogue holds beyond that: what HTTP itself may run into, and a service that is not ready. */
const beyond: ErrorCode[] = [
  'output_limit_reached',
  'not_storable',
  'not_ready',
  'request_timeout',
  'headers_too_large',
  'poisoned',
  'agent_gone',
  'tool_gone',
  'tool_timeout',
  'tool_output_too_large',
  'context_not_plain',
  'approval_expired',
  'session_input_failed',
  'webhooks_not_configured',
];

describe('the catalogue of errors', () => {
  test('has every promised code with its status, and no other that is not named here', () => {
    const codes = Object.values(promised).flat();
    for (const [status, ofStatus] of Object.entries(promised)) {
      for (const code of ofStatus) expect(errorCatalogue[code], code).toMatchObject({ status: Number(status) });
    }
    expect(Object.keys(errorCatalogue).toSorted()).toEqual([...codes, ...beyond].toSorted());
  });

  test('is what the page of errors says, row by row', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/errors.md'), 'utf8');
    const rows = [...page.matchAll(/^\| (\d+) \| <a id="\w+"><\/a>`(\w+)` \| ([^|]+) \| (yes|no) \| [^|]+ \|$/gm)].map(
      ([, status, code, title, retry]) => ({ code, status: Number(status), title, retryable: retry === 'yes' }),
    );
    const byCode = (one: { code?: string }, other: { code?: string }) =>
      (one.code ?? '').localeCompare(other.code ?? '');
    const expected = entries.map(([code, { status, title, retryable }]) => ({ code, status, title, retryable }));
    expect(rows.toSorted(byCode)).toEqual(expected.toSorted(byCode));
  });

  test('names each kind of error by a title of its own', () => {
    const titles = entries.map(([, { title }]) => title);
    expect(new Set(titles).size).toBe(titles.length);
  });

  test('has statuses of errors only, and codes that fit into a link', () => {
    for (const [code, { status }] of entries) {
      expect(status, code).toBeGreaterThanOrEqual(400);
      expect(status, code).toBeLessThan(600);
      expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
    }
  });

  test('advises a retry where waiting helps: at limits and outages, not when a budget is used up', () => {
    for (const [code, { status, retryable }] of entries) {
      if (status === 429 || status === 503)
        expect({ code, retryable }).toEqual({ code, retryable: code !== 'budget_exceeded' });
    }
  });
});

describe('an error of the service', () => {
  test('has the code, status, sentence and extras that it was made with', () => {
    const cause = new Error('ECONNREFUSED');
    const errors = [{ path: 'message', message: 'is empty' }];
    const error = new ServiceError(
      'not_found',
      { what: 'Run run_1' },
      { runId: 'run_1', retryAfterMs: 5, errors, cause },
    );
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: 'ServiceError',
      code: 'not_found',
      status: 404,
      retryable: false,
      message: 'Run run_1 was not found.',
      cause,
    });
    expect(error.extras).toEqual({ runId: 'run_1', retryAfterMs: 5, errors });
  });

  test('says the sentences that clients were promised', () => {
    const sentences = [
      new ServiceError('too_many_runs', {}),
      new ServiceError('rate_limited', {}),
      new ServiceError('shutting_down', {}),
      new ServiceError('run_timed_out', {}),
      new ServiceError('agent_error', { what: 'TypeError' }),
      new ServiceError('not_ready', { reason: 'starting' }),
    ].map(({ message }) => message);
    expect(sentences).toEqual([
      'Too many concurrent requests. Please retry.',
      'Rate limit exceeded.',
      'Service shutting down',
      'Agent run timed out.',
      'Agent error: TypeError',
      'Not ready: starting',
    ]);
  });

  test('cannot be made with parameters that are not those of its code', () => {
    const mistakes = () => {
      // @ts-expect-error: not_found says what was not found
      new ServiceError('not_found', {});
      // @ts-expect-error: the limit is a number
      new ServiceError('payload_too_large', { limitBytes: '1 MiB' });
      // @ts-expect-error: there is no such code
      new ServiceError('no_such_code', {});
    };
    expect(mistakes).toThrow(TypeError);
  });
});
