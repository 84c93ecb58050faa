import {
  InputGuardrailTripwireTriggered,
  MaxTurnsExceededError,
  ModelBehaviorError,
  ModelRefusalError,
  ModelTimeoutError,
  ToolCallError,
  ToolTimeoutError,
  UserError,
} from '@openai/agents';
import OpenAI from 'openai';
import { expect, test } from 'vitest';
import { requestedWaitMs } from '../providers/index.ts';
import { classifyFailure, statusOf } from './run-failure.ts';

const nowMs = Date.parse('2026-01-01T00:00:00Z');
const classify = (error: unknown, fromModel = false) =>
  classifyFailure(error, { fromModel: () => fromModel, replayed: false, maxTurns: 10, nowMs });

const apiError = (status: number, body: object = {}, headers: Record<string, string> = {}) =>
  OpenAI.APIError.generate(status, { error: body }, 'message with a secret', new Headers(headers));

class OrderMissing extends Error {}

const cases: [what: string, error: unknown, code: string, status: number][] = [
  ['an error of the agent’s own code', new OrderMissing('no 1001'), 'agent_error', 500],
  ['a mistake in the use of the SDK', new UserError('bad'), 'agent_error', 500],
  ['a tool that throws', new ToolCallError('x', new OrderMissing('no 1001')), 'agent_error', 500],
  ['a provider error inside a tool', new ToolCallError('x', apiError(500) as Error), 'provider_error', 502],
  ['a tool that takes too long', new ToolTimeoutError({ toolName: 't', timeoutMs: 1 }), 'run_timed_out', 504],
  ['too many turns', new MaxTurnsExceededError('x'), 'max_turns_exceeded', 422],
  ['a refusal', new ModelRefusalError('no'), 'model_refused', 422],
  ['an answer the agent cannot use', new ModelBehaviorError('x'), 'provider_error', 502],
  ['a model call that takes too long', new ModelTimeoutError({ timeoutMs: 1 }), 'run_timed_out', 504],
  ['a timeout of the client', new OpenAI.APIConnectionTimeoutError(), 'run_timed_out', 504],
  ['a key of the service that is refused', apiError(401), 'provider_error', 502],
  ['a bad request of the service', apiError(400), 'provider_error', 502],
  [
    'a conversation that is too long',
    apiError(400, { code: 'context_length_exceeded' }),
    'context_length_exceeded',
    400,
  ],
  ['a rate limit of the provider', apiError(429), 'provider_unavailable', 503],
  ['the provider failing', apiError(500), 'provider_error', 502],
  ['the provider overloaded', apiError(503), 'provider_unavailable', 503],
  ['no connection', new OpenAI.APIConnectionError({ message: 'x' }), 'provider_error', 502],
];

test.each(cases)('%s has its code and status', (_, error, code, status) => {
  const failure = classify(error);
  expect(failure.error.code).toBe(code);
  expect(statusOf(failure.error.code)).toBe(status);
});

test('an unknown error that a model call threw is the provider’s, not the agent’s', () => {
  expect(classify(new TypeError('terminated'), true).error.code).toBe('provider_error');
  expect(classify(new TypeError('x is undefined')).error).toMatchObject({ detail: 'Agent error: TypeError' });
});

test('the detail contains the name of the error, never its message', () => {
  expect(classify(new OrderMissing('card 4242')).error.detail).toBe('Agent error: OrderMissing');
  const disguised = Object.assign(new Error('x'), { name: 'card 4242' });
  expect(classify(disguised).error.detail).toBe('Agent error: Error');
  for (const status of [400, 401, 429, 500]) expect(classify(apiError(status)).error.detail).not.toContain('secret');
});

test('the detail names the guardrail that tripped', () => {
  const result = {
    guardrail: { type: 'input', name: 'no-cards' },
    output: { tripwireTriggered: true, outputInfo: {} },
  };
  const { error } = classify(new InputGuardrailTripwireTriggered('x', result as never));
  expect(error).toMatchObject({ code: 'guardrail_tripped', detail: 'The guardrail "no-cards" stopped the run.' });
});

test('an error of another copy of a library is recognised', () => {
  const Foreign = { MaxTurnsExceededError: class MaxTurnsExceededError extends Error {} }.MaxTurnsExceededError;
  expect(classify(new Foreign('x')).error.code).toBe('max_turns_exceeded');
});

test('a thrown value need not be an error', () => {
  for (const thrown of [undefined, null, 'text', 7]) expect(classify(thrown).error.detail).toBe('Agent error: Error');
});

test('the provider’s Retry-After is passed on, in each of its forms', () => {
  const read = (headers: Record<string, string>) => requestedWaitMs(new Headers(headers), nowMs);
  expect(read({ 'retry-after': '7' })).toBe(7_000);
  expect(read({ 'retry-after-ms': '250', 'retry-after': '7' })).toBe(250);
  expect(read({ 'retry-after': 'Thu, 01 Jan 2026 00:00:09 GMT' })).toBe(9_000);
  expect(read({ 'retry-after': 'Wed, 31 Dec 2025 00:00:00 GMT' })).toBe(0);
  expect(read({ 'retry-after': 'soon' })).toBeUndefined();
  expect(read({ 'retry-after': '-5' })).not.toBeLessThan(0);
  expect(classify(apiError(429, {}, { 'retry-after': '7' })).retryAfterMs).toBe(7_000);
});
