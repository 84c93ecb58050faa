/** The replacement for a secret. */
const censor = '[redacted]';
/** Shorter secrets are not redacted, because they may occur in ordinary words. */
const secretCharsMin = 6;

/** Texts with the format of a key: of OpenAI, of this service, for signing, of a header; and passwords in URLs. */
const patterns: readonly (readonly [RegExp, string])[] = [
  [/\bsk-[A-Za-z0-9_-]{8,}/g, censor],
  [/\bask_[0-9a-z]{26}_[0-9A-Za-z]{20,}/g, censor],
  [/\bwhsec_[A-Za-z0-9+/=]{16,}/g, censor],
  [/\bBearer +[\w.~+/=-]{8,}/gi, `Bearer ${censor}`],
  [/(:\/\/[^\s/:@"\\]*:)[^\s/@"\\]+@/g, `$1${censor}@`],
];

/** Makes a function that redacts a text: the known secrets, and texts with the format of a secret. */
export function createRedaction(secrets: readonly (string | undefined)[]): (text: string) => string {
  const known = secrets
    .filter((secret) => secret !== undefined && secret.length >= secretCharsMin)
    .map((secret) => JSON.stringify(secret).slice(1, -1)); // escaped as in a line of JSON
  return (text) => {
    let clean = text;
    for (const secret of known) if (clean.includes(secret)) clean = clean.replaceAll(secret, censor);
    for (const [pattern, replacement] of patterns) clean = clean.replace(pattern, replacement);
    return clean;
  };
}
