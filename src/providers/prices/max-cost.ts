import { toNanoUsd } from '../../platform/money.ts';
import type { PriceList } from './price-list.ts';

/** The model of a call that is about to be made. */
export type RequestedModel = {
  name: string;
  /** The agent that makes the call; null where it is not known. */
  agent: string | null;
  /** Whether the model is a `Model` object of the application, which no provider of the service answers. */
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
    const candidates = isOwn ? [{ provider: 'application', model: name }] : (chain?.mayAnswer(name, agent) ?? []);
    const known = candidates.map((model) => prices.priceOf(model, inputTokens)).filter((price) => price !== null);
    const limits = candidates.map((model) => prices.outputTokensMax(model)).filter((limit) => limit !== null);
    const areAllKnown = known.length === candidates.length && candidates.length > 0;
    return {
      money: areAllKnown
        ? {
            inputNanoUsd: toNanoUsd(Math.max(...known.map(({ inputUsd }) => inputUsd))),
            outputNanoUsd: Math.max(...known.map(({ outputTokenUsd }) => outputTokenUsd)) * 1e9,
          }
        : null,
      outputTokensMax: limits.length === candidates.length && candidates.length > 0 ? Math.max(...limits) : null,
    };
  };
}
