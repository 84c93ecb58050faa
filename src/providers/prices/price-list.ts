import { calcPrice, type ModelPrice as ListedPrice } from '@pydantic/genai-prices';
import type { Clock } from '../../platform/clock.ts';
import type { ModelPrice } from '../../platform/settings/price-settings.ts';
import type { Usage } from '../../storage/port/index.ts';
import { outputLimitOf } from './output-limits.ts';

/** A model, by who answers for it. */
export type PricedModel = {
  /** The provider's configured name; null for a model that the application has brought along. */
  provider: string | null;
  /** The model as the provider calls it. */
  model: string;
};

/** Tokens of one call. */
export type CallTokens = Pick<Usage, 'inputTokens' | 'cachedInputTokens' | 'outputTokens'>;

/** What a price list is made of. */
export type PriceListOptions = {
  /** The providers, by whose addresses prices are found. */
  providers: readonly { name: string; connection: { baseUrl?: string | undefined } }[];
  /** Prices that come before all others, by `model` or `provider/model`. */
  overrides: Readonly<Record<string, ModelPrice>>;
  clock: Pick<Clock, 'monotonicMs'>;
};

/** A price that is found is looked up again after so long, in ms: some depend on the time of day. */
const keepMs = 10 * 60_000;
/** Models that are remembered at most. */
const modelsMax = 1_000;
const million = 1e6;

/** What a call of so many tokens costs, in USD. */
type Pricing = { costOf(tokens: CallTokens): number; outputTokensMax: number | null };

const flat = ({ inputUsd, cachedInputUsd, outputUsd, outputTokensMax }: ModelPrice, callUsd = 0): Pricing => ({
  costOf: ({ inputTokens, cachedInputTokens, outputTokens }) =>
    callUsd +
    ((inputTokens - cachedInputTokens) * inputUsd + cachedInputTokens * cachedInputUsd + outputTokens * outputUsd) /
      million,
  outputTokensMax,
});

/** No more of the input counts as kept than there is: some servers leave it out of the input, and a cost is never below zero. */
const sound = (tokens: CallTokens): CallTokens => ({
  ...tokens,
  cachedInputTokens: Math.min(tokens.cachedInputTokens, tokens.inputTokens),
});

const toListed = ({ inputTokens, cachedInputTokens, outputTokens }: CallTokens) => ({
  input_tokens: inputTokens,
  cache_read_tokens: cachedInputTokens,
  output_tokens: outputTokens,
});

/** Whether the price of a token depends on how many there are. */
const hasTiers = (price: ListedPrice): boolean => Object.values(price).some((value) => typeof value === 'object');

/** The price that genai-prices knows for a model at an address; null if it knows none. */
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
 * What models cost. Prices are those of the package genai-prices, which knows providers by their addresses: a model of a
 * well-known name at an address that it does not know has no price, since nobody knows what is charged there. What
 * `overrides` says comes before all.
 */
export function createPriceList({ providers, overrides, clock }: PriceListOptions) {
  const addresses = new Map(providers.map(({ name, connection }) => [name, connection.baseUrl]));
  const found = new Map<string, { pricing: Pricing | null; atMs: number }>();

  function lookUp({ provider, model }: PricedModel): Pricing | null {
    const own = (key: string) => (Object.hasOwn(overrides, key) ? overrides[key] : undefined);
    const override = own(`${provider}/${model}`) ?? own(model);
    if (override !== undefined) return flat(override);
    const address = provider === null ? undefined : addresses.get(provider);
    return address === undefined ? null : listed(model, address);
  }

  function pricingOf(asked: PricedModel): Pricing | null {
    const key = `${asked.provider}\n${asked.model}`;
    const known = found.get(key);
    const nowMs = clock.monotonicMs();
    if (known !== undefined && nowMs - known.atMs < keepMs) return known.pricing;
    const pricing = lookUp(asked);
    if (found.size >= modelsMax) found.clear();
    found.set(key, { pricing, atMs: nowMs });
    return pricing;
  }

  return {
    /** What a call has cost, in USD; null where the model's price is not known. */
    costOf: (asked: PricedModel, tokens: CallTokens): number | null => pricingOf(asked)?.costOf(sound(tokens)) ?? null,

    /** The most tokens that the model puts out in one answer; null where that is not known. */
    outputTokensMax: (asked: PricedModel): number | null => pricingOf(asked)?.outputTokensMax ?? null,

    /**
     * What a call costs at most that is about to be made, in USD: its input with nothing of it kept by the provider, and
     * each token that it puts out. Null where the model's price is not known.
     */
    priceOf(asked: PricedModel, inputTokens: number): { inputUsd: number; outputTokenUsd: number } | null {
      const pricing = pricingOf(asked);
      if (pricing === null) return null;
      const costOf = (outputTokens: number) => pricing.costOf({ inputTokens, cachedInputTokens: 0, outputTokens });
      const inputUsd = costOf(0);
      return { inputUsd, outputTokenUsd: (costOf(million) - inputUsd) / million };
    },
  };
}

/** What models cost. */
export type PriceList = ReturnType<typeof createPriceList>;
