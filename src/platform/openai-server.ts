const officialHost = 'api.openai.com';

/** Where OpenAI itself is. */
export const officialUrl = `https://${officialHost}/v1`;

/** Whether this is OpenAI itself, or one of its regions, such as eu.api.openai.com. */
export function isOfficial(baseUrl: string): boolean {
  const { hostname } = new URL(baseUrl);
  return hostname === officialHost || hostname.endsWith(`.${officialHost}`);
}

/** The API that a server is spoken to where nobody says which: other servers know Chat Completions at least. */
export const defaultApi = (baseUrl: string) =>
  isOfficial(baseUrl) ? ('responses' as const) : ('chat_completions' as const);

/** A base URL as paths are put behind it. */
export const withoutSlash = (baseUrl: string): string => baseUrl.replace(/\/+$/, '');
