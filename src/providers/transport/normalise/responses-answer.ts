import { answerFailed, MalformedAnswerError } from '../call-errors.ts';
import type { HeadersOf } from './stream-normaliser.ts';

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Normalises a response that is not streamed, in place.
 *
 * @throws {APIError} or one of its subclasses, those of `call-errors.ts` included, if it is not a whole answer
 */
export function normaliseResponse(body: object, headers: HeadersOf): object {
  const { output, error } = body as { output?: unknown; error?: unknown };
  if (Array.isArray(output)) return body; // the SDK handles a failure in a response
  if (isObject(error)) throw answerFailed(error, headers());
  throw new MalformedAnswerError('it has no output', headers());
}
