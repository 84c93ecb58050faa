import { describe, expect, test } from 'vitest';
import { createFakeClock } from '../../../tests/support/fake-clock.ts';
import { createPriceList } from './price-list.ts';

const providers = [
  { name: 'openai', connection: { baseUrl: 'https://api.openai.com/v1' } },
  { name: 'azure', connection: { baseUrl: 'https://example.openai.azure.com/openai' } },
  { name: 'google', connection: { baseUrl: 'https://generativelanguage.googleapis.com/v1beta/openai' } },
  { name: 'perplexity', connection: { baseUrl: 'https://api.perplexity.ai' } },
  { name: 'local', connection: { baseUrl: 'http://127.0.0.1:8080/v1' } },
];
const override = { inputUsd: 1, cachedInputUsd: 0.1, outputUsd: 4, outputTokensMax: 100 };
const prices = (overrides = {}) => createPriceList({ providers, overrides, clock: createFakeClock() });
const tokens = { inputTokens: 1_000, cachedInputTokens: 400, outputTokens: 100 };

describe('the price of a call', () => {
  test('is that of its model at its provider, with cached input at its own price', () => {
    // gpt-4.1: per million tokens 2 USD of input, 0.50 of cached input, 8 of output (https://platform.openai.com/docs/pricing)
    expect(prices().costOf({ provider: 'openai', model: 'gpt-4.1' }, tokens)).toBeCloseTo(0.0022, 10);
    expect(prices().costOf({ provider: 'azure', model: 'gpt-4.1' }, tokens)).toBeCloseTo(0.0022, 10);
  });

  test('is found for a model whose name has a date', () => {
    expect(prices().costOf({ provider: 'openai', model: 'gpt-4.1-2025-04-14' }, tokens)).toBeCloseTo(0.0022, 10);
  });

  test.each([
    { what: 'an unknown model', model: { provider: 'openai', model: 'gpt-made-up' } },
    { what: 'a well-known name at an unknown URL', model: { provider: 'local', model: 'gpt-4.1' } },
    { what: 'a model object of the application', model: { provider: null, model: 'gpt-4.1' } },
    { what: 'a provider that does not exist', model: { provider: 'elsewhere', model: 'gpt-4.1' } },
    { what: 'a name of an inherited property', model: { provider: 'openai', model: 'constructor' } },
  ])('is unknown, and not zero, for $what', ({ model }) => {
    expect(prices().costOf(model, tokens)).toBeNull();
    expect(prices().priceOf(model, 1)).toBeNull();
    expect(prices().outputTokensMax(model)).toBeNull();
  });

  test('is that of the operator, for a model at all providers or at one', () => {
    const list = prices({
      'gpt-4.1': override,
      'local/gpt-4.1': { ...override, inputUsd: 0, cachedInputUsd: 0, outputUsd: 0 },
    });
    expect(list.costOf({ provider: 'openai', model: 'gpt-4.1' }, tokens)).toBeCloseTo((600 + 40 + 400) / 1e6, 12);
    expect(list.costOf({ provider: null, model: 'gpt-4.1' }, tokens)).toBeCloseTo((600 + 40 + 400) / 1e6, 12);
    expect(list.costOf({ provider: 'local', model: 'gpt-4.1' }, tokens)).toBe(0);
    expect(list.outputTokensMax({ provider: 'openai', model: 'gpt-4.1' })).toBe(100);
  });

  test('of a model with tiers is that of the tier of its input', () => {
    const costOf = (inputTokens: number) =>
      prices().costOf(
        { provider: 'google', model: 'gemini-2.5-pro' },
        { ...tokens, inputTokens, cachedInputTokens: 0 },
      );
    expect(costOf(300_000)).toBeGreaterThan((costOf(100_000) ?? 0) * 3.5);
  });

  test('is never below zero, also if a server reports more cached input than input', () => {
    const odd = { inputTokens: 100, cachedInputTokens: 5_000, outputTokens: 0 };
    expect(prices().costOf({ provider: 'openai', model: 'gpt-4.1' }, odd)).toBeCloseTo(0.000_05, 12);
    expect(prices().costOf({ provider: 'google', model: 'gemini-2.5-pro' }, odd)).toBeCloseTo(0.000_012_5, 12);
  });

  test('includes the charge of a provider for each call', () => {
    const nothing = { inputTokens: 0, cachedInputTokens: 0, outputTokens: 0 };
    expect(prices().costOf({ provider: 'perplexity', model: 'sonar' }, nothing)).toBeGreaterThan(0);
  });

  test.each([
    ['gpt-5', 128_000],
    ['gpt-5-chat-latest', 16_384],
  ])('comes with the output limit of the model: %s', (model, max) => {
    expect(prices().outputTokensMax({ provider: 'openai', model })).toBe(max);
  });

  test('before the call is an upper bound', () => {
    const model = { provider: 'openai', model: 'gpt-4.1' };
    const price = prices().priceOf(model, 1_000);
    expect(price?.inputUsd).toBeCloseTo(0.002, 10);
    expect(price?.outputTokenUsd).toBeCloseTo(0.000_008, 12);
    expect(prices().outputTokensMax(model)).toBe(32_768);
  });
});
