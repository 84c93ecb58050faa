import { expect, test } from 'vitest';
import { chatUsageNames, normaliseUsage, responsesUsageNames } from './usage.ts';

const usage = (input: unknown, output: unknown, total: unknown) => ({
  prompt_tokens: input,
  completion_tokens: output,
  total_tokens: total,
});

test.each<[string, unknown, unknown]>([
  ['that are whole numbers stay', usage(5, 3, 8), usage(5, 3, 8)],
  ['in fractions are rounded up', usage(5.2, 3, 8.2), usage(6, 3, 9)],
  ['as texts are read', usage('5', ' 3 ', '8.5'), usage(5, 3, 9)],
  ['that are negative are left out', usage(-1, 3, 2), usage(0, 3, 3)],
  ['that are far too large are left out', usage(1e20, 3, 1e20), usage(0, 3, 3)],
  ['that are no numbers are left out', usage(true, 3, {}), usage(0, 3, 3)],
  ['that are missing are 0, and the sum is made', { completion_tokens: 3 }, usage(0, 3, 3)],
  ['of which only the sum is known have that', { total_tokens: 9 }, usage(0, 0, 9)],
  ['whose sum is greater keep it', usage(5, 3, 20), usage(5, 3, 20)],
  ['that are all missing are no usage', { cost: 0.1 }, null],
  ['that are no object are no usage', 'none', null],
  ['that are a list are no usage', [1], null],
])('counts of tokens %s', (_, given, expected) => {
  expect(normaliseUsage(given, chatUsageNames)).toEqual(expected);
});

test('details are mended alike, and other fields stay', () => {
  const given = {
    ...usage(5, 3, 8),
    cost: 0.00125,
    prompt_tokens_details: { cached_tokens: 1.5, audio_tokens: null, text: 'x' },
    completion_tokens_details: null,
  };
  expect(normaliseUsage(given, chatUsageNames)).toEqual({
    ...usage(5, 3, 8),
    cost: 0.00125,
    prompt_tokens_details: { cached_tokens: 2, text: 'x' },
  });
});

test('counts that only an earlier report has are kept', () => {
  const before = normaliseUsage({ input_tokens: 5 }, responsesUsageNames);
  expect(normaliseUsage({ output_tokens: 2 }, responsesUsageNames, before)).toEqual({
    input_tokens: 5,
    output_tokens: 2,
    total_tokens: 7,
  });
});
