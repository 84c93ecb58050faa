import type { Settings } from '../platform/settings.ts';
import { createModelClient, type ModelClient, proxyFor } from './transport/index.ts';

/** The provider that the environment configures, over the OpenAI protocol: the Responses API or Chat Completions. */
export const createOpenAiProvider = ({ openai, proxies, runTimeoutMs }: Settings): ModelClient =>
  createModelClient({
    baseUrl: openai.baseUrl,
    apiKey: openai.apiKey ?? 'none',
    api: openai.api,
    transport: openai.transport,
    proxyUrl: proxyFor(openai.baseUrl, proxies),
    timeouts: { totalTimeoutMs: runTimeoutMs },
  });
