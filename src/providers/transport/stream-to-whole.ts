/** Streams that came although an answer in one piece was asked for, as that answer. */

import { isRecord } from '../../platform/is-record.ts';
import type { ModelApi } from './connection.ts';
import { EventDecoder, isDone } from './event-decoder.ts';
import { isKeepalive } from './keepalive.ts';
import type { KeepFields } from './normalise/index.ts';
import { SseParser } from './sse-parser.ts';

type Fields = Record<string, unknown>;

const begin = /^\s*(?:data|event|id|retry)?:/;

/** Whether a body is a stream of events. */
export const isStream = (body: string): boolean => begin.test(body);

/** The events of a body as the SDK expects them. */
function eventsOf(api: ModelApi, body: Buffer, headers: () => Headers, keep: KeepFields): Fields[] {
  const decoder = new EventDecoder(api, headers, keep);
  const events: object[] = [];
  let hasEnded = false;
  const parser = new SseParser((data, name) => {
    if (hasEnded || isKeepalive(data, name)) return;
    hasEnded = isDone(data);
    if (hasEnded) return;
    const event = decoder.decode(data, name);
    if (event !== null) events.push(event);
    for (let next = decoder.following(); next !== null; next = decoder.following()) events.push(next);
    hasEnded = decoder.isTerminal();
  }, body.length);
  parser.push(body);
  parser.end();
  const last = decoder.end();
  return (last === null ? events : [...events, last]) as Fields[];
}

/** Adds a delta of a tool call to those before it. */
function addCall(calls: Map<unknown, Fields>, { index, function: its, ...rest }: Fields): void {
  const call = calls.get(index) ?? { function: { name: '', arguments: '' } };
  calls.set(index, { ...rest, ...call, id: call.id ?? rest.id });
  const whole = call.function as { name: string; arguments: string };
  const { name, arguments: fragment } = (its ?? {}) as { name?: string; arguments?: string };
  whole.name += name ?? '';
  // As in the SDK: an empty object may stand before the arguments.
  const before = whole.arguments === '{}' && fragment?.startsWith('{') ? '' : whole.arguments;
  whole.arguments = before + (fragment ?? '');
}

/** Adds a delta to a message. */
function addDelta(message: Fields, calls: Map<unknown, Fields>, delta: Fields): void {
  for (const [name, value] of Object.entries(delta)) {
    if (name === 'tool_calls') for (const call of (value ?? []) as Fields[]) addCall(calls, call);
    else if (name !== 'role' && typeof value === 'string') {
      const before = message[name];
      message[name] = typeof before === 'string' ? before + value : value;
    } else message[name] ??= value;
  }
}

/** The chat completion of the chunks of one. */
function toChatAnswer(chunks: Fields[]): Fields {
  const message: Fields = { role: 'assistant', content: null };
  const calls = new Map<unknown, Fields>();
  let reason: unknown = null;
  let usage: unknown;
  for (const chunk of chunks) {
    usage = chunk.usage ?? usage;
    const choice = (chunk.choices as Fields[]).find(({ index }) => index === 0);
    reason = choice?.finish_reason || reason;
    if (isRecord(choice?.delta)) addDelta(message, calls, choice.delta);
  }
  if (calls.size > 0) message.tool_calls = [...calls.values()];
  const { id, created, model } = chunks[0] ?? {};
  const choices = [{ index: 0, message, finish_reason: reason }];
  return { id, object: 'chat.completion', created, model, choices, usage };
}

/**
 * The answer in one piece of a stream.
 *
 * @throws {APIError} or one of its subclasses, those of `call-errors.ts` included, if it is not a whole answer
 */
export function toWholeAnswer(api: ModelApi, body: Buffer, headers: () => Headers, keep: KeepFields): unknown {
  const events = eventsOf(api, body, headers, keep);
  return api === 'responses' ? events.findLast(({ response }) => isRecord(response))?.response : toChatAnswer(events);
}
