/**
 * The most tokens that OpenAI's models put out in one answer, by the beginning of their names; the first match counts.
 * From the pages of the models at https://platform.openai.com/docs/models, "max output tokens".
 */
const limits: readonly (readonly [RegExp, number])[] = [
  [/^gpt-5(\.\d+)?-chat/, 16_384],
  [/^gpt-5/, 128_000],
  [/^gpt-4\.1/, 32_768],
  [/^gpt-4o/, 16_384],
  [/^gpt-4-turbo/, 4_096],
  [/^gpt-4/, 8_192],
  [/^gpt-3\.5/, 4_096],
  [/^o[134]/, 100_000],
];

/** The most tokens that a model of OpenAI puts out; null if that is not known. */
export const outputLimitOf = (model: string): number | null =>
  limits.find(([pattern]) => pattern.test(model))?.[1] ?? null;
