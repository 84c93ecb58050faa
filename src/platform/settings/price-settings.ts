import { z } from 'zod';
import { setting } from './setting.ts';
import { optional } from './setting-schemas.ts';

/** Higher prices, in USD per million tokens, are taken for mistakes. */
const priceMax = 1e6;
const modelsMax = 1_000;

const price = z.number().nonnegative().max(priceMax);
const modelPrice = z
  .strictObject({
    input: price,
    /** The price of input that the provider has cached. Defaults to `input`. */
    cached_input: price.optional(),
    output: price,
    output_tokens_max: z.int().positive().max(1e9).optional(),
  })
  .transform(({ input, cached_input, output, output_tokens_max }) => ({
    inputUsd: input,
    cachedInputUsd: cached_input ?? input,
    outputUsd: output,
    outputTokensMax: output_tokens_max ?? null,
  }));
const table = z.record(z.string().min(1), modelPrice);

/** The prices of a model in USD per million tokens, and the most tokens that it puts out; null if that is not known. */
export type ModelPrice = z.output<typeof modelPrice>;

const allowed =
  'JSON such as {"my-model":{"input":0.5,"cached_input":0.05,"output":1.5,"output_tokens_max":8192}}: USD per million tokens by model, or by provider/model';

/** A table of prices as JSON. */
const prices = z.string({ error: () => allowed }).transform((text, context): Record<string, ModelPrice> => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // reported below, as any other value that is not a table
  }
  const parsed = table.safeParse(value);
  if (parsed.success && Object.keys(parsed.data).length <= modelsMax) return parsed.data;
  const [issue] = parsed.error?.issues ?? [];
  context.addIssue(issue?.path.length ? `${allowed}; ${issue.path.join('.')}: ${issue.message}` : allowed);
  return z.NEVER;
});

/** The settings of prices; they are part of the table of all settings. */
export const priceSettings = {
  MODEL_PRICES: setting({
    schema: optional(prices),
    about:
      'Prices of models that the service does not know, or that differ from its price list, in USD per million tokens, as JSON: {"my-model":{"input":0.5,"cached_input":0.05,"output":1.5,"output_tokens_max":8192}}. See docs/budgets.md.',
  }),
} as const;
