/** The most tokens that one answer can plausibly have used; a greater number is a mistake of the model. */
const tokensMax = 1_000_000_000;

/**
 * A count of tokens as the store takes it, a whole number: fractions are rounded up, texts are read, and what is no count
 * is 0.
 */
export function toCount(value: unknown): number {
  const count = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof count === 'number' && count >= 0 && count <= tokensMax ? Math.ceil(count) : 0;
}
