import { expect, test } from 'vitest';
import type { Step, Usage } from '../../storage/port/index.ts';
import { noUsage } from '../../storage/port/index.ts';
import { costUsdOf, hasDrift, knownCostUsdOf, lastModelOf, usageOf } from './journal-totals.ts';
import { type StepEnd, startedStep } from './step-record.ts';

const usage: Usage = { ...noUsage, requests: 1, inputTokens: 10, outputTokens: 5, totalTokens: 15 };

const stepWith = (key: string, scope: string, end: Partial<StepEnd>): Step => ({
  ...startedStep(
    {
      key,
      kind: key.startsWith('m:') ? 'model_call' : 'tool_call',
      scope,
      name: key,
      agent: 'main',
      callId: null,
      effect: null,
      input: null,
    },
    1,
    1,
    0,
  ),
  ...end,
});
const answered = (key: string, costUsd: number | null): Step =>
  stepWith(key, '', { status: 'completed', usage, costUsd, model: `model of ${key}` });
const toolCall = stepWith('t:call_1', '', { status: 'completed' });

test('usage is summed over the model calls that were answered', () => {
  expect(usageOf([])).toEqual(noUsage);
  expect(usageOf([answered('m::0', null), toolCall, answered('m::1', null)])).toMatchObject({
    requests: 2,
    totalTokens: 30,
  });
});

test('the cost is unknown if that of one model call is, or without model calls', () => {
  expect(costUsdOf([answered('m::0', 0.25), toolCall, answered('m::1', 0.5)])).toBe(0.75);
  expect(costUsdOf([answered('m::0', 0.25), answered('m::1', null)])).toBeNull();
  expect(costUsdOf([toolCall])).toBeNull();
  expect(knownCostUsdOf([answered('m::0', 0.25), answered('m::1', null)])).toBe(0.25);
});

test('the model of a run is that of its last model call', () => {
  expect(lastModelOf([answered('m::0', null), answered('m::1', null), toolCall])).toBe('model of m::1');
  expect(lastModelOf([toolCall])).toBeNull();
});

test('a completed run has drift if it did not reach a recorded step, or replayed one for another request', () => {
  const nested = stepWith('m:/call_1/inner.x.0:0', '/call_1/inner.x.0', { status: 'completed' });
  const reached = new Set(['t:call_1']);
  expect(hasDrift([toolCall], reached, true)).toBe(false);
  expect(hasDrift([toolCall], new Set(), true)).toBe(true);
  expect(hasDrift([toolCall], new Set(), false)).toBe(false);
  expect(hasDrift([{ ...toolCall, drift: true }], reached, false)).toBe(true);
  expect(hasDrift([stepWith('t:call_2', '', {})], reached, true)).toBe(false);
  expect(hasDrift([nested], reached, true)).toBe(false);
});
