import type { Usage } from '../../storage/port/index.ts';

/** Adds the usage of one model call to a sum. */
export const addUsage = (sum: Usage, usage: Usage): Usage => ({
  requests: sum.requests + usage.requests,
  inputTokens: sum.inputTokens + usage.inputTokens,
  cachedInputTokens: sum.cachedInputTokens + usage.cachedInputTokens,
  outputTokens: sum.outputTokens + usage.outputTokens,
  reasoningTokens: sum.reasoningTokens + usage.reasoningTokens,
  totalTokens: sum.totalTokens + usage.totalTokens,
});
