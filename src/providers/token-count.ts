/** The most tokens that one answer can plausibly have used; a greater number is a mistake of the server or the model. */
const tokensMax = 1_000_000_000;

/** A count of tokens as a whole number: fractions are rounded up, texts are read. What is no count is undefined. */
export function toTokenCount(value: unknown): number | undefined {
  const count = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof count === 'number' && count >= 0 && count <= tokensMax ? Math.ceil(count) : undefined;
}
