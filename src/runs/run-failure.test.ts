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
  classifyFailure(error, { fromModel: () => fromModel, agent: 'Shop', replayed: false, maxTurns: 10, nowMs });

const apiError = (status: number, body: object = {}, headers: Record<string, string> = {}) =>
  OpenAI.APIError.generate(status, { error: body }, 'message with a secret', new Headers(headers));

class OrderMissing extends Error {}

const cases: [what: string, error: unknown, code: string, status: number][] = [
  ['an error of the agent’s own code', new OrderMissing('no 1001'), 'agent_error', 500],
  ['a mistake in the use of the SDK', new UserError('bad'), 'agent_error', 500],
  ['a tool that throws', new ToolCallError('x', new OrderMissing('no 1001')), 'agent_error', 500],
  ['a provider error inside a tool', new ToolCallError('x', apiError(500) as Error), 'provider_error', 502],
  ['a tool that takes too long', new ToolTimeoutError({ toolName: 't', timeoutMs: 1 }), 'tool_timeout', 504],
  ['too many turns', new MaxTurnsExceededError('x'), 'max_turns_exceeded', 422],
  ['a refusal', new ModelRefusalError('no'), 'model_refused', 422],
  ['an answer the agent cannot use', new ModelBehaviorError('x'), 'agent_error', 500],
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

const hostedTools = 'Hosted tools are not supported with the ChatCompletions API. Got tool type: hosted_tool, tool: ';
const long = `${'n'.repeat(300)}<script>`;

test.each([
  [
    'an answer that breaks the schema of the output',
    new ModelBehaviorError(
      'Invalid output type: final assistant output failed schema validation at "a.n" (card 4242).',
    ),
    'The model\'s answer does not fit the outputType of the agent "Shop" at "a.n".',
  ],
  [
    'an answer that breaks the schema at an unknown place',
    new ModelBehaviorError('Invalid output type: final assistant output did not match the expected schema.'),
    'The model\'s answer does not fit the outputType of the agent "Shop".',
  ],
  [
    'another answer that the agent cannot use',
    new ModelBehaviorError('card 4242'),
    'The model answered in a way that the agent "Shop" cannot use (ModelBehaviorError).',
  ],
])('the detail says what and where, and is not retryable: %s', (_, error, what) => {
  expect(classify(error).error).toEqual({ code: 'agent_error', detail: `Agent error: ${what}`, retryable: false });
});

test.each([
  [
    'a hosted tool',
    new Error(`${hostedTools}{"type":"hosted_tool","name":"web_search","providerData":{"key":"secret"}}`),
    'Chat Completions has no hosted tools, such as "web_search" of the agent "Shop". Use the Responses API (OPENAI_API=responses) or a function tool.',
  ],
  [
    'an option',
    new UserError('secret'),
    'The SDK refused a model call of the agent "Shop" (UserError). The log has the cause.',
  ],
])('a request that the API cannot express is a mistake of the application: %s', (_, error, what) => {
  expect(classify(error, true).error).toEqual({
    code: 'agent_error',
    detail: `Agent error: ${what}`,
    retryable: false,
  });
});

test.each([
  ['Tool nobody not found in agent T.', 'the tool "nobody", which the agent "T"'],
  ['Model produced computer action without a computer tool.', 'a tool of the type computer, which the agent "Shop"'],
  ['Model produced shell action without a shell tool.', 'a tool of the type shell, which the agent "Shop"'],
  [
    'Model produced apply_patch action without an apply_patch tool.',
    'a tool of the type apply_patch, which the agent "Shop"',
  ],
  ['MCP server (docs) not found in Agent (T)', 'the MCP server "docs", which the agent "Shop"'],
])('a call of a tool that the agent does not have is a mistake of the model: %s', (message, what) => {
  const detail = `The model called ${what} does not have.`;
  expect(classify(new ModelBehaviorError(message)).error).toEqual({ code: 'tool_not_found', detail, retryable: true });
});

test('names in the detail are bounded in length and characters', () => {
  const { detail } = classify(new ModelBehaviorError(`Tool ${long} not found in agent A"<b>\n.`)).error;
  expect(detail).toBe(`The model called the tool "${'n'.repeat(64)}", which the agent "A??b??" does not have.`);
  const timeout = classify(new ToolTimeoutError({ toolName: long, timeoutMs: 1 })).error;
  expect(timeout.detail).toContain(`The tool "${'n'.repeat(64)}" took`);
  expect(timeout.retryable).toBe(false);
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
