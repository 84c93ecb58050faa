import { describe, expect, test } from 'vitest';
import { parseSettings } from './settings.ts';

const pricesOf = (text: string) => parseSettings({ OPENAI_API_KEY: 'sk-abc', MODEL_PRICES: text }).modelPrices;

describe('MODEL_PRICES', () => {
  test('has the prices of models, in USD per million tokens', () => {
    const text =
      '{"my-model": {"input": 0.5, "cached_input": 0.05, "output": 1.5, "output_tokens_max": 8192}, "a/b": {"input": 0, "output": 0}}';
    expect(pricesOf(text)).toEqual({
      'my-model': { inputUsd: 0.5, cachedInputUsd: 0.05, outputUsd: 1.5, outputTokensMax: 8192 },
      'a/b': { inputUsd: 0, cachedInputUsd: 0, outputUsd: 0, outputTokensMax: null },
    });
  });

  test.each([
    ['{"m":', 'allowed: JSON such as'],
    ['[]', 'allowed: JSON such as'],
    ['{"m": {"input": 1}}', 'm.output:'],
    ['{"m": {"input": -1, "output": 1}}', 'm.input:'],
    ['{"m": {"input": 1, "output": 1, "cached": 1}}', 'm:'],
    ['{"": {"input": 1, "output": 1}}', 'MODEL_PRICES'],
  ])('with a mistake is refused, and the message has its path: %s', (text, says) => {
    expect(() => pricesOf(text)).toThrow(says);
  });
});
