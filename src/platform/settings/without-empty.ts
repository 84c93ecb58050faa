/** The variables that are set: an empty one counts as absent, as Compose passes one on that is not set. */
export const withoutEmpty = (
  variables: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> =>
  Object.fromEntries(Object.entries(variables).filter(([, value]) => (value ?? '').trim() !== ''));
