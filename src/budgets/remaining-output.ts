import type { Spending } from '../storage/port/index.ts';
import type { BudgetUnit } from './accounts.ts';

/** What a model call may take at most: its input, and the price of each token that it puts out. */
export type CallPrice = {
  inputTokens: number;
  inputNanoUsd: number;
  /** Of one token of output. */
  outputNanoUsd: number;
};

/** What a call takes that puts out so many tokens. */
export const maxSpendingOf = (price: CallPrice, outputTokens: number): Spending => ({
  tokens: price.inputTokens + outputTokens,
  nanoUsd: Math.ceil(price.inputNanoUsd + price.outputNanoUsd * outputTokens),
});

/** How many tokens a call may put out, and what bounds that. */
export type Room = { tokens: number; unit: BudgetUnit };

/** The room that limits leave beside what is spent already; below 0 if not even the input fits. */
export function remainingOutputIn(
  { tokensMax, nanoUsdMax }: { tokensMax: number | null; nanoUsdMax: number | null },
  spent: Spending,
  price: CallPrice,
): Room {
  const byTokens = tokensMax === null ? Number.POSITIVE_INFINITY : tokensMax - spent.tokens - price.inputTokens;
  const byUsd = nanoUsdMax === null ? Number.POSITIVE_INFINITY : roomForMoney(nanoUsdMax - spent.nanoUsd, price);
  return byUsd < byTokens ? { tokens: byUsd, unit: 'usd' } : { tokens: byTokens, unit: 'tokens' };
}

function roomForMoney(left: number, { inputNanoUsd, outputNanoUsd }: CallPrice): number {
  if (inputNanoUsd === 0 && outputNanoUsd === 0) return Number.POSITIVE_INFINITY; // what costs nothing is always paid for
  if (left < inputNanoUsd) return -1;
  return outputNanoUsd === 0 ? Number.POSITIVE_INFINITY : Math.floor((left - inputNanoUsd) / outputNanoUsd);
}
