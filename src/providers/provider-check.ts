import type { ProviderConfig } from './chain/index.ts';
import { createProxyFetch } from './transport/index.ts';

type Finding = { reached: boolean; reason: string | null };

/** Looks whether a provider answers (`GET <base>/models`), and what is wrong with its answer. */
function createLook({ connection: { baseUrl, apiKey, azure, proxyUrl } }: ProviderConfig) {
  const fetch = proxyUrl === undefined ? globalThis.fetch : createProxyFetch(proxyUrl).fetch;
  const url = azure
    ? `${baseUrl}/openai/models?api-version=${encodeURIComponent(azure.apiVersion)}`
    : `${baseUrl}/models`;
  const headers: Record<string, string> = azure ? { 'api-key': apiKey } : { authorization: `Bearer ${apiKey}` };
  return async (signal: AbortSignal): Promise<Finding> => {
    try {
      const response = await fetch(url, { headers, signal, redirect: 'manual' });
      await response.body?.cancel();
      return { reached: true, reason: response.status === 200 ? null : `returned status ${response.status}` };
    } catch {
      return { reached: false, reason: 'cannot be reached' };
    }
  };
}

/**
 * Looks whether the providers answer: null when all do, else what is wrong with one of them. Rejects when none could be
 * reached. Null where there is no provider to look at.
 */
export function createProviderCheck(providers: readonly ProviderConfig[]) {
  if (providers.length === 0) return null;
  const looks = providers.map(createLook);
  const isOne = providers.length === 1;
  return async (signal: AbortSignal): Promise<string | null> => {
    const findings = await Promise.all(looks.map((look) => look(signal)));
    if (findings.every(({ reached }) => !reached)) {
      throw new Error(isOne ? 'the model provider cannot be reached' : 'no model provider can be reached');
    }
    const at = findings.findIndex(({ reason }) => reason !== null);
    if (at === -1) return null;
    const who = isOne ? 'the model provider' : `the model provider ${JSON.stringify(providers[at]?.name)}`;
    return `${who} ${findings[at]?.reason}`;
  };
}
