import { isRecord } from '../../../platform/is-record.ts';
import { AnswerEndError, answerFailed, MalformedAnswerError } from '../call-errors.ts';
import { answerEndOf } from './answer-end.ts';
import { idText } from './plain-text.ts';
import { reportedFailure } from './reported-failure.ts';
import { type Item, mendItems, saysSomething } from './responses-item.ts';
import type { HeadersOf } from './stream-normaliser.ts';
import { normaliseUsage, responsesUsageNames } from './usage.ts';

/** The body of a response. */
export type ResponseBody = Record<string, unknown>;

/** The reason that a response or an item gives for its end: that of its details, also where its status denies it. */
function reasonOf(status: unknown, { incomplete_details: details }: ResponseBody): string {
  const reason = isRecord(details) ? details.reason : undefined;
  return String(((status === 'incomplete' || status === 'completed') && reason) || status);
}

function assertStatus(status: unknown, body: ResponseBody, headers: HeadersOf): void {
  const reason = reasonOf(status, body);
  const end = answerEndOf('responses', reason);
  if (end !== 'whole') throw new AnswerEndError(end, reason, headers());
}

/**
 * Checks that a response has not failed and is whole, by its status and those of its messages and tool calls.
 *
 * @throws {APIError} for a failure that the response reports
 * @throws {AnswerEndError} if it is not whole
 */
export function assertEnded(body: ResponseBody, output: readonly Item[], headers: HeadersOf): void {
  const { status } = body;
  const failure = reportedFailure(body, 'responses');
  if (failure !== null) throw answerFailed(failure, headers());
  if (status != null && status !== '') assertStatus(status, body, headers);
  for (const item of output) {
    if (item.type === 'message' || item.type === 'function_call') assertStatus(item.status, body, headers);
  }
}

/** Mends all of a response but its output, in place. */
export function mendResponse(body: ResponseBody): void {
  if (body.id != null && typeof body.id !== 'string') body.id = idText(body.id);
  if (body.usage === undefined) return;
  const usage = normaliseUsage(body.usage, responsesUsageNames);
  if (usage === null) delete body.usage;
  else body.usage = usage;
}

/** The output of a response; some servers give the text alone, joined. Null if it has none. */
export function outputOf({ output, output_text: text }: ResponseBody): unknown[] | null {
  if (Array.isArray(output)) return output;
  if (isRecord(output)) return [output];
  if (typeof output === 'string') return [output];
  return typeof text === 'string' ? [text] : null;
}

/**
 * Normalises a response that is not streamed, in place. One that has no status keeps none: it is whole, since it is
 * complete JSON, if it says something.
 *
 * @throws {APIError} or one of its subclasses, those of `call-errors.ts` included, if it is not a whole answer
 */
export function normaliseResponse(body: object, headers: HeadersOf): object {
  const response = body as ResponseBody;
  const given = outputOf(response);
  if (given === null) assertEnded(response, [], headers);
  if (given === null) throw new MalformedAnswerError('it has no output', headers());
  const output = mendItems(given, headers);
  assertEnded(response, output, headers);
  if (!response.status && !output.some(saysSomething)) {
    throw new MalformedAnswerError('it has neither a status nor an output', headers());
  }
  mendResponse(response);
  response.output = output;
  return response;
}
