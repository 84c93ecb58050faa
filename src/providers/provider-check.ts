import type { Settings } from '../platform/settings.ts';
import { createProxyFetch, proxyFor } from './transport/index.ts';

/**
 * Looks whether the provider answers (`GET <base>/models`): null when it does, else what is wrong with its answer.
 * Rejects when there was no answer at all.
 */
export function createProviderCheck({ openai, proxies }: Settings) {
  const proxyUrl = proxyFor(openai.baseUrl, proxies);
  const fetch = proxyUrl === undefined ? globalThis.fetch : createProxyFetch(proxyUrl).fetch;
  return async (signal: AbortSignal): Promise<string | null> => {
    let response: Response;
    try {
      response = await fetch(`${openai.baseUrl}/models`, {
        headers: { authorization: `Bearer ${openai.apiKey ?? ''}` },
        signal,
        redirect: 'manual',
      });
    } catch (error) {
      throw new Error('the model provider cannot be reached', { cause: error });
    }
    await response.body?.cancel();
    return response.status === 200 ? null : `the model provider returned status ${response.status}`;
  };
}
