import type { ModelApi } from '../connection.ts';

/**
 * What the end of an answer says of it: it is `whole`; a token limit `cut` it; the provider `refused` it, or the rest of
 * it; or it `failed`.
 */
export type AnswerEnd = 'whole' | 'cut' | 'refused' | 'failed';

/**
 * The ends that servers give, in lower case. Only an end in this table can make an answer whole: an answer with any other
 * one has failed. `docs/providers.md` shows the table.
 */
export const answerEnds: Record<ModelApi, Record<Exclude<AnswerEnd, 'failed'>, readonly string[]>> = {
  /** `finish_reason` of a choice. */
  chat_completions: {
    whole: [
      ...['stop', 'tool_calls', 'function_call'], // OpenAI
      ...['end_turn', 'tool_use', 'stop_sequence'], // Anthropic, Bedrock
      ...['eos', 'eos_token'], // Together, TGI, watsonx
      ...['complete', 'tool_call'], // Cohere
    ],
    cut: [
      'length', // OpenAI
      ...['max_tokens', 'max_output_tokens', 'max_completion_tokens'], // Anthropic, Cohere, Gemini
      ...['model_length', 'model_context_window_exceeded'], // Mistral, GLM, Anthropic: the context ended the answer
      ...['token_limit', 'limit'], // watsonx, llama.cpp
    ],
    refused: [
      ...['content_filter', 'content_filtered'], // OpenAI, Azure, Bedrock
      ...['safety', 'image_safety', 'recitation', 'blocklist', 'prohibited_content', 'spii'], // Gemini
      ...['refusal', 'guardrail_intervened', 'sensitive', 'error_toxic'], // Anthropic, Bedrock, GLM, Cohere
    ],
  },
  /** `status` of a response or of an item, and the reason of `incomplete_details` where it has one. */
  responses: {
    whole: ['completed'],
    cut: ['max_output_tokens', 'max_tokens', 'length', 'model_context_window_exceeded'],
    refused: ['content_filter', 'safety'],
  },
};

const wordOf = (reason: string): string => (reason.split(':', 1)[0] as string).trim().toLowerCase();

const endsOf = (api: ModelApi): Map<string, AnswerEnd> =>
  new Map(
    Object.entries(answerEnds[api]).flatMap(([end, reasons]) =>
      reasons.map((reason): [string, AnswerEnd] => [reason, end as AnswerEnd]),
    ),
  );
const ends: Record<ModelApi, Map<string, AnswerEnd>> = {
  chat_completions: endsOf('chat_completions'),
  responses: endsOf('responses'),
};

/** The ends of an answer that has calls of tools. */
const callEnds = new Set(['tool_calls', 'function_call', 'tool_use', 'tool_call']);

/** Whether an end of a chat completion says that the answer has calls of tools. */
export const announcesCalls = (reason: string): boolean => callEnds.has(wordOf(reason));

/** What an end that a server gave says of the answer. Some servers add a detail after a colon, and some write capitals. */
export const answerEndOf = (api: ModelApi, reason: unknown): AnswerEnd => {
  if (typeof reason !== 'string') return 'failed';
  return ends[api].get(reason) ?? ends[api].get(wordOf(reason)) ?? 'failed';
};
