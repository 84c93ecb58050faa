import type { ProviderConfig } from './chain/index.ts';
import { createProxyFetch } from './transport/index.ts';

type CheckResult = { reached: boolean; reason: string | null };

/** Creates the check of one provider: `GET <base>/models`. */
function createSingleCheck({ connection: { baseUrl, apiKey, azure, proxyUrl } }: ProviderConfig) {
  const fetch = proxyUrl === undefined ? globalThis.fetch : createProxyFetch(proxyUrl).fetch;
  const url = azure
    ? `${baseUrl}/openai/models?api-version=${encodeURIComponent(azure.apiVersion)}`
    : `${baseUrl}/models`;
  const headers: Record<string, string> = azure ? { 'api-key': apiKey } : { authorization: `Bearer ${apiKey}` };
  return async (signal: AbortSignal): Promise<CheckResult> => {
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
 * Creates the check of all providers; null if there are none. The check resolves with null if all are healthy, otherwise
 * with the problem of one of them. It rejects if no provider can be reached.
 */
export function createProviderCheck(providers: readonly ProviderConfig[]) {
  if (providers.length === 0) return null;
  const checks = providers.map(createSingleCheck);
  const isOne = providers.length === 1;
  return async (signal: AbortSignal): Promise<string | null> => {
    const results = await Promise.all(checks.map((check) => check(signal)));
    if (results.every(({ reached }) => !reached)) {
      throw new Error(isOne ? 'the model provider cannot be reached' : 'no model provider can be reached');
    }
    const failing = results.findIndex(({ reason }) => reason !== null);
    if (failing === -1) return null;
    const subject = isOne ? 'the model provider' : `the model provider ${JSON.stringify(providers[failing]?.name)}`;
    return `${subject} ${results[failing]?.reason}`;
  };
}
