import { describe, expect, test } from 'vitest';
import { createManualClock } from '../../../tests/support/manual-clock.ts';
import { createPriceList } from './price-list.ts';

const providers = [
  { name: 'openai', connection: { baseUrl: 'https://api.openai.com/v1' } },
  { name: 'azure', connection: { baseUrl: 'https://example.openai.azure.com/openai' } },
  { name: 'google', connection: { baseUrl: 'https://generativelanguage.googleapis.com/v1beta/openai' } },
  { name: 'perplexity', connection: { baseUrl: 'https://api.perplexity.ai' } },
  { name: 'local', connection: { baseUrl: 'http://127.0.0.1:8080/v1' } },
];
const mine = { inputUsd: 1, cachedInputUsd: 0.1, outputUsd: 4, outputTokensMax: 100 };
const prices = (overrides = {}) => createPriceList({ providers, overrides, clock: createManualClock() });
const tokens = { inputTokens: 1_000, cachedInputTokens: 400, outputTokens: 100 };

describe('the price of a call', () => {
  test('is that of its model at its provider, with what was kept of the input at its own price', () => {
    // gpt-4.1: 2 USD a million in, 0.50 kept, 8 out (https://platform.openai.com/docs/pricing)
    expect(prices().costOf({ provider: 'openai', model: 'gpt-4.1' }, tokens)).toBeCloseTo(0.0022, 10);
    expect(prices().costOf({ provider: 'azure', model: 'gpt-4.1' }, tokens)).toBeCloseTo(0.0022, 10);
  });

  test('is that of a model whose name has a date', () => {
    expect(prices().costOf({ provider: 'openai', model: 'gpt-4.1-2025-04-14' }, tokens)).toBeCloseTo(0.0022, 10);
  });

  test.each([
    { what: 'a model that nobody knows', asked: { provider: 'openai', model: 'gpt-made-up' } },
    { what: 'a well-known name at an address that nobody knows', asked: { provider: 'local', model: 'gpt-4.1' } },
    { what: 'a model that the application brought along', asked: { provider: null, model: 'gpt-4.1' } },
    { what: 'a provider that there is not', asked: { provider: 'elsewhere', model: 'gpt-4.1' } },
    { what: 'a name of the language', asked: { provider: 'openai', model: 'constructor' } },
  ])('is not known, and never zero, for $what', ({ asked }) => {
    expect(prices().costOf(asked, tokens)).toBeNull();
    expect(prices().priceOf(asked, 1)).toBeNull();
    expect(prices().outputTokensMax(asked)).toBeNull();
  });

  test('is what the operator says, for a model everywhere or at one provider', () => {
    const list = prices({
      'gpt-4.1': mine,
      'local/gpt-4.1': { ...mine, inputUsd: 0, cachedInputUsd: 0, outputUsd: 0 },
    });
    expect(list.costOf({ provider: 'openai', model: 'gpt-4.1' }, tokens)).toBeCloseTo((600 + 40 + 400) / 1e6, 12);
    expect(list.costOf({ provider: null, model: 'gpt-4.1' }, tokens)).toBeCloseTo((600 + 40 + 400) / 1e6, 12);
    expect(list.costOf({ provider: 'local', model: 'gpt-4.1' }, tokens)).toBe(0);
    expect(list.outputTokensMax({ provider: 'openai', model: 'gpt-4.1' })).toBe(100);
  });

  test('of a model with tiers is that of the tier that its input falls into', () => {
    const costOf = (inputTokens: number) =>
      prices().costOf(
        { provider: 'google', model: 'gemini-2.5-pro' },
        { ...tokens, inputTokens, cachedInputTokens: 0 },
      );
    expect(costOf(300_000)).toBeGreaterThan((costOf(100_000) ?? 0) * 3.5);
  });

  test('is never below zero, whatever a server says that it had kept of the input', () => {
    const odd = { inputTokens: 100, cachedInputTokens: 5_000, outputTokens: 0 };
    expect(prices().costOf({ provider: 'openai', model: 'gpt-4.1' }, odd)).toBeCloseTo(0.000_05, 12);
    expect(prices().costOf({ provider: 'google', model: 'gemini-2.5-pro' }, odd)).toBeCloseTo(0.000_012_5, 12);
  });

  test('has in it what a provider charges for each call', () => {
    const nothing = { inputTokens: 0, cachedInputTokens: 0, outputTokens: 0 };
    expect(prices().costOf({ provider: 'perplexity', model: 'sonar' }, nothing)).toBeGreaterThan(0);
  });

  test.each([
    ['gpt-5', 128_000],
    ['gpt-5-chat-latest', 16_384],
  ])('comes with the most that the model puts out, by its own name: %s', (model, max) => {
    expect(prices().outputTokensMax({ provider: 'openai', model })).toBe(max);
  });

  test('before it is made is the most that it may be', () => {
    const asked = { provider: 'openai', model: 'gpt-4.1' };
    const price = prices().priceOf(asked, 1_000);
    expect(price?.inputUsd).toBeCloseTo(0.002, 10);
    expect(price?.outputTokenUsd).toBeCloseTo(0.000_008, 12);
    expect(prices().outputTokensMax(asked)).toBe(32_768);
  });
});
