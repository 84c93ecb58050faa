import { type ModelProvider, OpenAIProvider } from '@openai/agents';
import OpenAI from 'openai';
import type { Settings } from '../platform/settings.ts';
import { demandWholeAnswers } from './whole-answer.ts';

/**
 * The provider that the environment configures, over the OpenAI protocol: the Responses API or Chat Completions. The
 * client's own retries are off, since the layers above would multiply them.
 */
export function createOpenAiProvider({ openai, runTimeoutMs }: Settings): ModelProvider {
  const client = new OpenAI({
    apiKey: openai.apiKey ?? 'none',
    baseURL: openai.baseUrl,
    timeout: runTimeoutMs,
    maxRetries: 0,
    // What the environment says about these is for other programs; a service is configured by its settings alone.
    organization: null,
    project: null,
  });
  return demandWholeAnswers(new OpenAIProvider({ openAIClient: client, useResponses: openai.api === 'responses' }));
}
