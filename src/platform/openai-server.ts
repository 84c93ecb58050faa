const officialHost = 'api.openai.com';

/** The base URL of OpenAI itself. */
export const officialUrl = `https://${officialHost}/v1`;

/** Whether a base URL is that of OpenAI itself, or of one of its regions, such as eu.api.openai.com. */
export function isOfficial(baseUrl: string): boolean {
  const { hostname } = new URL(baseUrl);
  return hostname === officialHost || hostname.endsWith(`.${officialHost}`);
}

/** The default API for a server: Responses for OpenAI itself; Chat Completions for others, which implement at least that. */
export const defaultApi = (baseUrl: string) =>
  isOfficial(baseUrl) ? ('responses' as const) : ('chat_completions' as const);

/** A base URL without slashes at its end, so that paths can be appended. */
export const withoutSlash = (baseUrl: string): string => baseUrl.replace(/\/+$/, '');
