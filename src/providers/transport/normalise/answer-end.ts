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
    whole: ['stop', 'tool_calls', 'function_call', 'end_turn', 'tool_use', 'stop_sequence', 'eos', 'eos_token'],
    cut: ['length', 'max_tokens', 'max_output_tokens', 'max_completion_tokens', 'model_length'],
    refused: [
      'content_filter',
      'safety',
      'recitation',
      'blocklist',
      'prohibited_content',
      'spii',
      'sensitive',
      'refusal',
    ],
  },
  /** `status` of a response or of an item, and the reason of `incomplete_details` where it has one. */
  responses: {
    whole: ['completed'],
    cut: ['max_output_tokens', 'max_tokens', 'length'],
    refused: ['content_filter'],
  },
};

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

/** What an end that a server gave says of the answer. Some servers add a detail after a colon, and some write capitals. */
export const answerEndOf = (api: ModelApi, reason: string): AnswerEnd =>
  ends[api].get(reason) ?? ends[api].get((reason.split(':', 1)[0] as string).trim().toLowerCase()) ?? 'failed';
