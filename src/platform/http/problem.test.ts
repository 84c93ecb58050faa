import { describe, expect, test } from 'vitest';
import { type ErrorCode, errorCatalogue, ServiceError } from '../errors.ts';
import { problemOf, problemView, toProblem } from './problem.ts';
import { retryAfterSeconds } from './retry-after.ts';

const codes = Object.keys(errorCatalogue) as ErrorCode[];

test.each(codes)('%s becomes a problem document that is valid by its schema', (code) => {
  const problem = toProblem(code, 'What happened.', 'req_1');
  expect(problemView.parse(JSON.parse(JSON.stringify(problem)))).toMatchObject({
    type: expect.stringMatching(new RegExp(`^https://.+/errors#${code}$`)),
    title: errorCatalogue[code].title,
    status: errorCatalogue[code].status,
    detail: 'What happened.',
    code,
    instance: 'req_1',
  });
});

test('a problem contains the message, the run and the mistakes of the error', () => {
  const errors = [{ path: 'message', message: 'is missing' }];
  const error = new ServiceError(
    'session_busy',
    { sessionId: 's-1', runId: 'run_2' },
    { runId: 'run_1', activeRunId: 'run_2', retryAfterMs: 2_000, errors, cause: new Error('secret 4711') },
  );
  const problem = problemOf(error, 'req_1');
  expect(problem).toMatchObject({
    detail: 'Session s-1 is held by run run_2.',
    run_id: 'run_1',
    active_run_id: 'run_2',
    retry_after: 2,
    errors,
  });
  expect(JSON.stringify(problem)).not.toContain('4711');
});

describe('the time in Retry-After', () => {
  test.each(codes.filter((code) => [429, 503].includes(errorCatalogue[code].status)))(
    'is always present with %s',
    (code) => {
      expect(toProblem(code, '', 'req_1').retry_after).toBe(1);
    },
  );

  test('is absent from errors that a retry does not help', () => {
    expect(toProblem('not_found', '', 'req_1')).not.toHaveProperty('retry_after', expect.anything());
  });

  test.each([
    { waitMs: 0, seconds: 1 },
    { waitMs: 1, seconds: 1 },
    { waitMs: 1_000, seconds: 1 },
    { waitMs: 1_001, seconds: 2 },
    { waitMs: 59_999.5, seconds: 60 },
  ])('is whole seconds, at least one, and never too early: $waitMs ms are $seconds s', ({ waitMs, seconds }) => {
    expect(retryAfterSeconds(waitMs)).toBe(seconds);
  });
});
