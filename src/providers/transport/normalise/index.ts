import { answerFailed, MalformedAnswerError } from '../call-errors.ts';
import type { ModelApi } from '../connection.ts';
import { normaliseChatAnswer, statesEnd } from './chat-answer.ts';
import { createChatNormaliser } from './chat-stream.ts';
import type { KeepFields } from './kept-fields.ts';
import { reportedFailure } from './reported-failure.ts';
import { normaliseResponse } from './responses-answer.ts';
import { createResponsesNormaliser } from './responses-stream.ts';
import type { HeadersOf, StreamNormaliser } from './stream-normaliser.ts';

export { type AnswerEnd, answerEndOf, answerEnds } from './answer-end.ts';
export { choiceIn } from './chat-answer.ts';
export { addKeptFields, type KeepFields, type KeptFields } from './kept-fields.ts';
export { idText } from './plain-text.ts';
export { reportedFailure } from './reported-failure.ts';
export { normaliseRequest } from './request.ts';
export type { StreamNormaliser } from './stream-normaliser.ts';
export { newCallId } from './tool-calls.ts';

/** Creates the normaliser of one streamed answer. */
export const createStreamNormaliser = (api: ModelApi, headers: HeadersOf, keep: KeepFields): StreamNormaliser =>
  api === 'responses' ? createResponsesNormaliser(headers) : createChatNormaliser(headers, keep);

/**
 * Normalises an answer that is not streamed, in place.
 *
 * @throws {APIError} or one of its subclasses, those of `call-errors.ts` included, if it is not a whole answer
 */
export function normaliseAnswer(api: ModelApi, body: unknown, headers: HeadersOf, keep: KeepFields = () => {}): object {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    const failure = reportedFailure(body, api);
    if (failure !== null) throw answerFailed(failure, headers());
    throw new MalformedAnswerError('it is not a JSON object', headers());
  }
  return api === 'responses' ? normaliseResponse(body, headers) : normaliseChatAnswer(body, headers, keep);
}

/** Whether an answer in one piece says how it ended (`stated`), or is whole only because its JSON is (`unstated`). */
export function endOf(api: ModelApi, body: { status?: unknown; choices?: unknown }): 'stated' | 'unstated' {
  const isStated = api === 'responses' ? body.status != null : statesEnd(body);
  return isStated ? 'stated' : 'unstated';
}
