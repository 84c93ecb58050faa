import { describe, expect, test } from 'vitest';
import { maxSpendingOf, remainingOutputIn } from './remaining-output.ts';

const price = { inputTokens: 100, inputNanoUsd: 200_000, outputNanoUsd: 8_000 };
const spent = (tokens: number, nanoUsd: number) => ({ tokens, nanoUsd });
const limits = (tokensMax: number | null, nanoUsdMax: number | null) => ({ tokensMax, nanoUsdMax });

describe('the output that a budget leaves to a call', () => {
  test.each([
    { of: 'no limit', in: limits(null, null), spent: spent(9e9, 9e9), outputTokens: Number.POSITIVE_INFINITY },
    { of: 'tokens', in: limits(1_000, null), spent: spent(300, 9e9), outputTokens: 600 },
    { of: 'money', in: limits(null, 1_000_000), spent: spent(9e9, 0), outputTokens: 100 },
    { of: 'money, in whole tokens', in: limits(null, 1_007_999), spent: spent(0, 0), outputTokens: 100 },
    { of: 'the tighter of both', in: limits(1_000, 1_000_000), spent: spent(0, 0), outputTokens: 100 },
    { of: 'less than the input costs', in: limits(null, 199_999), spent: spent(0, 0), outputTokens: -1 },
  ])('is bounded by $of', (row) => {
    expect(remainingOutputIn(row.in, row.spent, price).tokens).toBe(row.outputTokens);
  });

  test('fits the budget as output of a call, and one token more does not', () => {
    const { tokens } = remainingOutputIn(limits(10_000, 1_007_999), spent(0, 0), price);
    expect(maxSpendingOf(price, tokens).nanoUsd).toBeLessThanOrEqual(1_007_999);
    expect(maxSpendingOf(price, tokens + 1).nanoUsd).toBeGreaterThan(1_007_999);
  });

  test('is not bounded by money if the model is free of charge, even if no money remains', () => {
    const free = { inputTokens: 1, inputNanoUsd: 0, outputNanoUsd: 0 };
    expect(remainingOutputIn(limits(null, 1), spent(0, 1), free).tokens).toBe(Number.POSITIVE_INFINITY);
  });
});
