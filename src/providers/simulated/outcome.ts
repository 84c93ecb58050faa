import { parseObject } from './conversation.ts';

/** The outcome of a tool call: it was executed, it failed, or a person refused the approval. */
export type Outcome = 'done' | 'failed' | 'refused';

// The SDK's own sentences: `approvalRejection.mjs`, the default `errorFunction` and timeout message of `tool.mjs`.
const refusal = /^Tool execution was not approved/;
const failure = /^An error occurred while|^Error\b|^Tool '[^']*' (?:timed out|not found)/;

/** Derives the outcome from the output of a tool: the SDK's sentences, or a JSON object with an `error`. */
export function outcomeOf(output: string): Outcome {
  if (refusal.test(output)) return 'refused';
  return failure.test(output) || parseObject(output).error ? 'failed' : 'done';
}
