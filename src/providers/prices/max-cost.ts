import { toNanoUsd } from '../../access/index.ts';
import type { Quote, RequestedModel } from '../../runs/index.ts';
import type { PriceList, ProviderChain } from '../index.ts';

/**
 * What a model call costs at most, whoever of the providers answers it: the dearest counts, and if the price of one is
 * not known, nothing is.
 *
 * @param chain null for the simulated model, which costs nothing
 */
export function createMaxCostEstimator(prices: PriceList, chain: Pick<ProviderChain, 'mayAnswer'> | null) {
  return ({ name, agent, isOwn }: RequestedModel, inputTokens: number): Quote => {
    if (chain === null && !isOwn) return { money: { inputNanoUsd: 0, outputNanoUsd: 0 }, outputTokensMax: null };
    const asked = isOwn ? [{ provider: 'application', model: name }] : (chain?.mayAnswer(name, agent) ?? []);
    const quotes = asked.map((model) => prices.quote(model, inputTokens)).filter((quote) => quote !== null);
    const limits = asked.map((model) => prices.outputTokensMax(model)).filter((limit) => limit !== null);
    const isKnown = quotes.length === asked.length && asked.length > 0;
    return {
      money: isKnown
        ? {
            inputNanoUsd: toNanoUsd(Math.max(...quotes.map(({ inputUsd }) => inputUsd))),
            outputNanoUsd: Math.max(...quotes.map(({ outputTokenUsd }) => outputTokenUsd)) * 1e9,
          }
        : null,
      outputTokensMax: limits.length === asked.length && asked.length > 0 ? Math.max(...limits) : null,
    };
  };
}
