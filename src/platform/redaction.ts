/** What a secret is replaced by. */
const censor = '[redacted]';
/** Shorter secrets would be found in ordinary words. */
const secretCharsMin = 6;

/** What looks like a key, wherever it comes from: of OpenAI, of this service, for signing; and passwords in URLs. */
const patterns: readonly (readonly [RegExp, string])[] = [
  [/\bsk-[A-Za-z0-9_-]{8,}/g, censor],
  [/\bask_[0-9a-z]{26}_[0-9A-Za-z]{20,}/g, censor],
  [/\bwhsec_[A-Za-z0-9+/=]{16,}/g, censor],
  [/\bBearer +[\w.~+/=-]{8,}/gi, `Bearer ${censor}`],
  [/(:\/\/[^\s/:@"\\]*:)[^\s/@"\\]+@/g, `$1${censor}@`],
];

/** Takes secrets out of a text: those that are known, and what looks like one. */
export function createRedaction(secrets: readonly (string | undefined)[]): (text: string) => string {
  const known = secrets
    .filter((secret) => secret !== undefined && secret.length >= secretCharsMin)
    .map((secret) => JSON.stringify(secret).slice(1, -1)); // as a line of JSON has it
  return (text) => {
    let clean = text;
    for (const secret of known) if (clean.includes(secret)) clean = clean.replaceAll(secret, censor);
    for (const [pattern, replacement] of patterns) clean = clean.replace(pattern, replacement);
    return clean;
  };
}
