import type { Spending } from '../storage/port/index.ts';
import type { BudgetUnit } from './accounts.ts';

/** The upper bound of what a model call costs: its input, and each token of output. */
export type CallPrice = {
  inputTokens: number;
  inputNanoUsd: number;
  /** The price of one token of output. */
  outputNanoUsd: number;
};

/** What a call spends at most if it puts out so many tokens. */
export const maxSpendingOf = (price: CallPrice, outputTokens: number): Spending => ({
  tokens: price.inputTokens + outputTokens,
  nanoUsd: Math.ceil(price.inputNanoUsd + price.outputNanoUsd * outputTokens),
});

/** The tokens that a call may still put out, and the unit of the limit that bounds them. */
export type RemainingOutput = { tokens: number; unit: BudgetUnit };

/** The output that limits leave to a call, given what is spent; below 0 if not even the input of the call fits. */
export function remainingOutputIn(
  { tokensMax, nanoUsdMax }: { tokensMax: number | null; nanoUsdMax: number | null },
  spent: Spending,
  price: CallPrice,
): RemainingOutput {
  const byTokens = tokensMax === null ? Number.POSITIVE_INFINITY : tokensMax - spent.tokens - price.inputTokens;
  const byUsd = nanoUsdMax === null ? Number.POSITIVE_INFINITY : outputTokensFor(nanoUsdMax - spent.nanoUsd, price);
  return byUsd < byTokens ? { tokens: byUsd, unit: 'usd' } : { tokens: byTokens, unit: 'tokens' };
}

/** The output that an amount of money pays for, in tokens. */
function outputTokensFor(remainingNanoUsd: number, { inputNanoUsd, outputNanoUsd }: CallPrice): number {
  if (inputNanoUsd === 0 && outputNanoUsd === 0) return Number.POSITIVE_INFINITY; // fits even if no money remains
  if (remainingNanoUsd < inputNanoUsd) return -1;
  return outputNanoUsd === 0 ? Number.POSITIVE_INFINITY : Math.floor((remainingNanoUsd - inputNanoUsd) / outputNanoUsd);
}
