import type { Usage } from './port/index.ts';

/** The columns of a `Usage`, the same in every table that has one. */
export type UsageRow = {
  requests: number;
  input_tokens: number;
  cached_input_tokens: number;
  output_tokens: number;
  reasoning_tokens: number;
  total_tokens: number;
};

/** The row of no tokens at all. */
export const noUsageRow: Readonly<UsageRow> = {
  requests: 0,
  input_tokens: 0,
  cached_input_tokens: 0,
  output_tokens: 0,
  reasoning_tokens: 0,
  total_tokens: 0,
};

/** The columns, in the order of `usageValues`. */
export const usageColumns = [
  'requests',
  'input_tokens',
  'cached_input_tokens',
  'output_tokens',
  'reasoning_tokens',
  'total_tokens',
] as const satisfies (keyof UsageRow)[];

/** The values of a usage, in the order of `usageColumns`. */
export const usageValues = (usage: Usage): number[] => [
  usage.requests,
  usage.inputTokens,
  usage.cachedInputTokens,
  usage.outputTokens,
  usage.reasoningTokens,
  usage.totalTokens,
];

/** The columns of a row that holds a usage. */
export const toUsageRow = (usage: Usage): UsageRow => ({
  requests: usage.requests,
  input_tokens: usage.inputTokens,
  cached_input_tokens: usage.cachedInputTokens,
  output_tokens: usage.outputTokens,
  reasoning_tokens: usage.reasoningTokens,
  total_tokens: usage.totalTokens,
});

/** The usage of a row. */
export const toUsage = (row: UsageRow): Usage => ({
  requests: row.requests,
  inputTokens: row.input_tokens,
  cachedInputTokens: row.cached_input_tokens,
  outputTokens: row.output_tokens,
  reasoningTokens: row.reasoning_tokens,
  totalTokens: row.total_tokens,
});
