/** What a test or a hook of vitest can do with itself. */
type Skippable = { skip(note?: string): never };

/**
 * What `get` gives. Where it cannot be had, the tests are skipped, with a note that says what is missing; in CI, which
 * installs it, they fail.
 */
export function needs<T>({ skip }: Skippable, what: string, get: () => T | null): T {
  let reason: unknown = '';
  try {
    const found = get();
    if (found !== null) return found;
  } catch (error) {
    reason = error;
  }
  const note = `missing: ${what}${reason ? ` (${reason})` : ''}`;
  if (process.env.CI) throw new Error(note);
  return skip(note);
}
