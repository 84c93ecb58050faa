import { toNanoUsd } from '../../platform/money.ts';
import type { PriceList } from './price-list.ts';

/** The model of a call that is about to be made. */
export type RequestedModel = {
  name: string;
  /** The agent that makes the call; null where it is not known. */
  agent: string | null;
  /** Whether the application brought the model along. */
  isOwn: boolean;
};

/** The upper bound of what a model call costs. */
export type MaxCost = {
  /** The price of its input, and of each token of output; null if a price is not known. */
  money: { inputNanoUsd: number; outputNanoUsd: number } | null;
  /** The most tokens that the model puts out; null if that is not known. */
  outputTokensMax: number | null;
};

/** The models that may answer a call, of a chain of providers. */
type Chain = { mayAnswer(name: string, agent: string | null): { provider: string; model: string }[] };

/**
 * Estimates the upper bound of what a model call costs, over all providers that may answer it: the highest price counts,
 * and if one of the prices is not known, none is.
 *
 * @param chain null for the simulated model, which costs nothing
 */
export function createMaxCostEstimator(prices: PriceList, chain: Chain | null) {
  return ({ name, agent, isOwn }: RequestedModel, inputTokens: number): MaxCost => {
    if (chain === null && !isOwn) return { money: { inputNanoUsd: 0, outputNanoUsd: 0 }, outputTokensMax: null };
    const asked = isOwn ? [{ provider: 'application', model: name }] : (chain?.mayAnswer(name, agent) ?? []);
    const found = asked.map((model) => prices.priceOf(model, inputTokens)).filter((price) => price !== null);
    const limits = asked.map((model) => prices.outputTokensMax(model)).filter((limit) => limit !== null);
    const isKnown = found.length === asked.length && asked.length > 0;
    return {
      money: isKnown
        ? {
            inputNanoUsd: toNanoUsd(Math.max(...found.map(({ inputUsd }) => inputUsd))),
            outputNanoUsd: Math.max(...found.map(({ outputTokenUsd }) => outputTokenUsd)) * 1e9,
          }
        : null,
      outputTokensMax: limits.length === asked.length && asked.length > 0 ? Math.max(...limits) : null,
    };
  };
}
