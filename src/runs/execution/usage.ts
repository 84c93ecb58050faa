import type { Usage } from '../../storage/port/index.ts';

/** No tokens at all. */
export const noUsage: Usage = {
  requests: 0,
  inputTokens: 0,
  cachedInputTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  totalTokens: 0,
};

/** Adds the usage of one model call to a sum. */
export const addUsage = (sum: Usage, usage: Usage): Usage => ({
  requests: sum.requests + usage.requests,
  inputTokens: sum.inputTokens + usage.inputTokens,
  cachedInputTokens: sum.cachedInputTokens + usage.cachedInputTokens,
  outputTokens: sum.outputTokens + usage.outputTokens,
  reasoningTokens: sum.reasoningTokens + usage.reasoningTokens,
  totalTokens: sum.totalTokens + usage.totalTokens,
});
