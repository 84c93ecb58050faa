import { AnswerEndError, TruncatedAnswerError } from '../call-errors.ts';
import { answerEndOf } from './answer-end.ts';
import type { HeadersOf, StreamNormaliser } from './stream-normaliser.ts';

type Choice = { index?: number; finish_reason?: string | null };
type Chunk = { choices?: Choice[] };

/** Normalises the chunks of a streamed chat completion. The SDK reads only the first choice. */
export function createChatNormaliser(headers: HeadersOf): StreamNormaliser {
  let finishReason: string | null = null;
  return {
    event(event) {
      const chunk = event as Chunk | null;
      if (!Array.isArray(chunk?.choices)) return chunk;
      for (const choice of chunk.choices) {
        // As in the `openai` client, for servers that omit the field.
        choice.finish_reason ??= null;
        if ((choice.index ?? 0) === 0) finishReason = choice.finish_reason || finishReason;
      }
      return chunk;
    },
    isTerminal: () => false,
    end() {
      if (finishReason === null) throw new TruncatedAnswerError(headers());
      const end = answerEndOf('chat_completions', finishReason);
      // The SDK makes a refusal of an answer that was withheld.
      if (end !== 'whole' && end !== 'refused') throw new AnswerEndError(end, finishReason, headers());
      return null;
    },
  };
}
