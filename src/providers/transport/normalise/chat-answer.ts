import { AnswerEndError, answerFailed, MalformedAnswerError } from '../call-errors.ts';
import { answerEndOf } from './answer-end.ts';
import type { HeadersOf } from './stream-normaliser.ts';

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

type Answer = { choices?: { message?: unknown; finish_reason?: string | null }[]; error?: unknown };

/**
 * Normalises a chat completion that is not streamed, in place.
 *
 * @throws {APIError} or one of its subclasses, those of `call-errors.ts` included, if it is not a whole answer
 */
export function normaliseChatAnswer(body: object, headers: HeadersOf): object {
  const { choices, error } = body as Answer;
  const choice = Array.isArray(choices) ? choices[0] : undefined;
  if (!isObject(choice?.message)) {
    if (isObject(error)) throw answerFailed(error, headers());
    throw new MalformedAnswerError('it has no choice with a message', headers());
  }
  const { finish_reason: reason } = choice as { finish_reason?: string | null };
  const end = reason ? answerEndOf('chat_completions', reason) : 'whole';
  // The SDK makes a refusal of an answer that was withheld.
  if (end !== 'whole' && end !== 'refused') throw new AnswerEndError(end, reason as string, headers());
  return body;
}
