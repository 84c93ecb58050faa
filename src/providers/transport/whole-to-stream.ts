/** Answers in one piece that came although a stream was asked for, as the events of a stream. */

import { isRecord } from '../../platform/is-record.ts';
import type { ModelApi } from './connection.ts';
import { choiceIn, type KeepFields, normaliseAnswer } from './normalise/index.ts';

type Fields = Record<string, unknown>;
type Item = { id?: unknown; type?: unknown; content?: unknown };

/** Whether a body is an answer in one piece, and not an event of a stream. */
export function isWholeAnswer(api: ModelApi, body: unknown): body is Fields {
  if (!isRecord(body)) return false;
  if (api === 'responses') return Array.isArray(body.output);
  const choice = choiceIn(body);
  return isRecord(choice?.message) && !isRecord(choice.delta);
}

/** A chat completion as one chunk. Its JSON is whole, so that it has an end even if it does not say so. */
function toChunk({ choices, ...answer }: Fields): Fields {
  const { message, finish_reason: reason } = (choices as Fields[])[0] as { message: Fields; finish_reason: unknown };
  const calls = Array.isArray(message.tool_calls) ? (message.tool_calls as Fields[]) : [];
  const delta =
    calls.length === 0 ? message : { ...message, tool_calls: calls.map((call, index) => ({ ...call, index })) };
  const choice = { index: 0, delta, finish_reason: reason || (calls.length === 0 ? 'stop' : 'tool_calls') };
  return { ...answer, object: 'chat.completion.chunk', choices: [choice] };
}

/** The texts of an item, as they would have come in a stream. */
function textDeltas({ id, type, content }: Item, outputIndex: number): Fields[] {
  if (type !== 'message' || !Array.isArray(content)) return [];
  return content
    .map((part: unknown, index) => ({ part, index }))
    .filter(({ part }) => isRecord(part) && part.type === 'output_text' && typeof part.text === 'string')
    .map(({ part, index }) => ({
      type: 'response.output_text.delta',
      item_id: id,
      output_index: outputIndex,
      content_index: index,
      delta: (part as Fields).text,
    }));
}

const lastEvents: Record<string, string> = { failed: 'response.failed', incomplete: 'response.incomplete' };

/** A response as its events. */
function toResponseEvents(response: Fields): Fields[] {
  const output = (response.output as unknown[]).filter(isRecord) as Item[];
  return [
    { type: 'response.created', response: { ...response, status: 'in_progress', output: [] } },
    ...output.flatMap((item, index) => [
      ...textDeltas(item, index),
      { type: 'response.output_item.done', output_index: index, item },
    ]),
    { type: lastEvents[String(response.status)] ?? 'response.completed', response },
  ].map((event, sequenceNumber) => ({ ...event, sequence_number: sequenceNumber }));
}

/**
 * The events of an answer in one piece.
 *
 * @throws {APIError} or one of its subclasses, those of `call-errors.ts` included, if it is not a whole answer
 */
export function toStreamEvents(api: ModelApi, body: Fields, headers: () => Headers, keep: KeepFields): Fields[] {
  const answer = normaliseAnswer(api, body, headers, keep) as Fields;
  return api === 'responses' ? toResponseEvents(answer) : [toChunk(answer)];
}
