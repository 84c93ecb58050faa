import { calcPrice, type ModelPrice as ListedPrice } from '@pydantic/genai-prices';
import type { Clock } from '../../platform/clock.ts';
import type { ModelPrice } from '../../platform/settings/price-settings.ts';
import type { Usage } from '../../storage/port/index.ts';
import { outputLimitOf } from './output-limits.ts';

/** A model of a provider. */
export type PricedModel = {
  /** The configured name of the provider; null for a `Model` object of the application. */
  provider: string | null;
  /** The provider's name of the model. */
  model: string;
};

/** The tokens of one call. */
export type CallTokens = Pick<Usage, 'inputTokens' | 'cachedInputTokens' | 'outputTokens'>;

/** Dependencies of the price list. */
export type PriceListOptions = {
  /** The providers; their base URLs determine the listed prices. */
  providers: readonly { name: string; connection: { baseUrl?: string | undefined } }[];
  /** Prices that take precedence over listed ones, by `model` or `provider/model`. */
  overrides: Readonly<Record<string, ModelPrice>>;
  clock: Pick<Clock, 'monotonicMs'>;
};

/** The time for which a price is cached, in ms; some prices depend on the time of day. */
const cacheMs = 10 * 60_000;
/** Models in the cache at most. */
const modelsMax = 1_000;
const million = 1e6;

/** The price of a model: the cost of a call in USD, and the most tokens that the model puts out. */
type Pricing = { costOf(tokens: CallTokens): number; outputTokensMax: number | null };

const flat = ({ inputUsd, cachedInputUsd, outputUsd, outputTokensMax }: ModelPrice, callUsd = 0): Pricing => ({
  costOf: ({ inputTokens, cachedInputTokens, outputTokens }) =>
    callUsd +
    ((inputTokens - cachedInputTokens) * inputUsd + cachedInputTokens * cachedInputUsd + outputTokens * outputUsd) /
      million,
  outputTokensMax,
});

/**
 * Limits the cached input to the whole input, so that a cost is never below zero: some servers do not include the cached
 * tokens in the input tokens.
 */
const withCachedWithinInput = (tokens: CallTokens): CallTokens => ({
  ...tokens,
  cachedInputTokens: Math.min(tokens.cachedInputTokens, tokens.inputTokens),
});

const toListed = ({ inputTokens, cachedInputTokens, outputTokens }: CallTokens) => ({
  input_tokens: inputTokens,
  cache_read_tokens: cachedInputTokens,
  output_tokens: outputTokens,
});

/** Whether the price of a token depends on the number of tokens. */
const hasTiers = (price: ListedPrice): boolean => Object.values(price).some((value) => typeof value === 'object');

/** The price in genai-prices for a model at a base URL; null if it has none. */
function listed(model: string, providerApiUrl: string): Pricing | null {
  const price = (tokens: CallTokens) => calcPrice(toListed(tokens), model, { providerApiUrl });
  const found = price({ inputTokens: 0, cachedInputTokens: 0, outputTokens: 0 });
  const { input_mtok: input, output_mtok: output, cache_read_mtok: cached = input } = found?.model_price ?? {};
  const thousandUsd = found?.model_price.requests_kcount ?? 0;
  if (found === null || input === undefined || output === undefined || typeof thousandUsd !== 'number') return null;
  const isOpenAi = found.provider.id === 'openai' || found.provider.id === 'azure';
  const outputTokensMax = isOpenAi ? outputLimitOf(model) : null;
  if (hasTiers({ input, output, cached })) {
    return { costOf: (tokens) => price(tokens)?.total_price ?? Number.NaN, outputTokensMax };
  }
  const prices = { inputUsd: input as number, cachedInputUsd: cached as number, outputUsd: output as number };
  return flat({ ...prices, outputTokensMax }, thousandUsd / 1000);
}

/**
 * The prices of models. They are those of the package genai-prices, which identifies providers by their base URLs. A model
 * with a well-known name at an unknown URL has no price, because the charge there is not known. `overrides` take precedence
 * over all listed prices.
 */
export function createPriceList({ providers, overrides, clock }: PriceListOptions) {
  const addresses = new Map(providers.map(({ name, connection }) => [name, connection.baseUrl]));
  const cache = new Map<string, { pricing: Pricing | null; atMs: number }>();

  function lookUp({ provider, model }: PricedModel): Pricing | null {
    const own = (key: string) => (Object.hasOwn(overrides, key) ? overrides[key] : undefined);
    const override = own(`${provider}/${model}`) ?? own(model);
    if (override !== undefined) return flat(override);
    const address = provider === null ? undefined : addresses.get(provider);
    return address === undefined ? null : listed(model, address);
  }

  function pricingOf(model: PricedModel): Pricing | null {
    const key = `${model.provider}\n${model.model}`;
    const cached = cache.get(key);
    const nowMs = clock.monotonicMs();
    if (cached !== undefined && nowMs - cached.atMs < cacheMs) return cached.pricing;
    const pricing = lookUp(model);
    if (cache.size >= modelsMax) cache.clear();
    cache.set(key, { pricing, atMs: nowMs });
    return pricing;
  }

  return {
    /** The cost of a call, in USD; null if the price of the model is not known. */
    costOf: (model: PricedModel, tokens: CallTokens): number | null =>
      pricingOf(model)?.costOf(withCachedWithinInput(tokens)) ?? null,

    /** The most tokens that the model puts out in one answer; null if that is not known. */
    outputTokensMax: (model: PricedModel): number | null => pricingOf(model)?.outputTokensMax ?? null,

    /**
     * The upper bound of the price of a call before it is made, in USD: its input, without cached tokens, and each token of
     * output. Null if the price of the model is not known.
     */
    priceOf(model: PricedModel, inputTokens: number): { inputUsd: number; outputTokenUsd: number } | null {
      const pricing = pricingOf(model);
      if (pricing === null) return null;
      const costOf = (outputTokens: number) => pricing.costOf({ inputTokens, cachedInputTokens: 0, outputTokens });
      const inputUsd = costOf(0);
      return { inputUsd, outputTokenUsd: (costOf(million) - inputUsd) / million };
    },
  };
}

/** See `createPriceList`. */
export type PriceList = ReturnType<typeof createPriceList>;
