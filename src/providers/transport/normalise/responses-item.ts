import { isRecord } from '../../../platform/is-record.ts';
import { MalformedAnswerError } from '../call-errors.ts';
import { resolveArguments } from './call-arguments.ts';
import { isCallPart } from './chat-content.ts';
import { textOf } from './json-text.ts';
import { idText, plainText } from './plain-text.ts';
import { mendContent } from './responses-message.ts';
import type { HeadersOf } from './stream-normaliser.ts';
import { newCallId } from './tool-calls.ts';

/** An item of a response's output. */
export type Item = Record<string, unknown>;

/** The type of an item that tells none, by its fields. */
function typeOf(item: Item): unknown {
  const { type, content, summary, name, arguments: given, call_id: callId } = item;
  if (isCallPart(item)) return 'function_call';
  if (typeof type === 'string' && type !== '') return type;
  if (typeof name === 'string' && (given !== undefined || callId !== undefined)) return 'function_call';
  if (content !== undefined) return 'message';
  return summary === undefined ? type : 'reasoning';
}

/** A number becomes a text, which the SDK expects; what is neither is removed. */
function mendId(item: Item): void {
  if (item.id === undefined || (typeof item.id === 'string' && item.id !== '')) return;
  const id = idText(item.id);
  if (id === undefined) delete item.id;
  else item.id = id;
}

/** A text that no other call of the answer has: that of the call, else that of the item, else one of our own. */
function callIdOf({ call_id: callId, id }: Item, used: Set<string>): string {
  const given = idText(callId) ?? idText(id) ?? newCallId();
  const unique = used.has(given) ? newCallId() : given;
  used.add(unique);
  return unique;
}

function mendCall(item: Item, used: Set<string>, headers: HeadersOf): void {
  const its = isRecord(item.function) ? item.function : item;
  const name = plainText(its.name).trim();
  if (name === '') throw new MalformedAnswerError('a tool call of it has no name', headers());
  item.name = name;
  item.call_id = callIdOf(item, used);
  const given = its.arguments ?? its.input ?? its.parameters;
  item.arguments = resolveArguments([typeof given === 'string' ? given : given == null ? '' : textOf(given)]);
  // The SDK sends all fields back with the conversation.
  for (const other of ['input', 'parameters', 'function']) delete item[other];
}

type Entry = { type: string; text: string };

const isEntry = (type: string, entry: unknown): entry is Entry =>
  isRecord(entry) && entry.type === type && typeof entry.text === 'string';

/** A list of entries of one type that have texts; a text of its own is one entry. */
function entriesOf(value: unknown, type: string): Entry[] {
  if (Array.isArray(value) && value.every((entry) => isEntry(type, entry))) return value as Entry[];
  const values = Array.isArray(value) ? value : value == null ? [] : [value];
  return values.map((entry) => ({ ...(isRecord(entry) ? entry : {}), type, text: plainText(entry) }));
}

function mendReasoning(item: Item): void {
  item.summary = entriesOf(item.summary, 'summary_text');
  if (item.content != null) item.content = entriesOf(item.content, 'reasoning_text');
}

/** What the SDK cannot read without, by the type of the item: it would take the answer for a mistake of the application. */
const readable: Record<string, (item: Item) => boolean> = {
  computer_call: ({ action, actions }) => isRecord(action) || (Array.isArray(actions) && actions.length > 0),
  apply_patch_call: ({ operation }) =>
    isRecord(operation) && /^(create|delete|update)_file$/.test(String(operation.type)),
  compaction: ({ encrypted_content: content }) => typeof content === 'string' && content !== '',
};

const thinkingItem = (text: string): Item => ({
  type: 'reasoning',
  summary: [],
  content: [{ type: 'reasoning_text', text }],
});

/** Takes the calls out of the parts of a message. */
function callsIn(message: Item): Item[] {
  const { content } = message;
  if (!Array.isArray(content) || !content.some((part) => isRecord(part) && isCallPart(part))) return [];
  const isCall = (part: unknown): part is Item => isRecord(part) && isCallPart(part);
  message.content = content.filter((part) => !isCall(part));
  return content.filter(isCall);
}

function mendItem(item: Item, used: Set<string>, headers: HeadersOf): Item[] {
  item.type = typeOf(item);
  mendId(item);
  switch (item.type) {
    case 'message': {
      item.role = 'assistant';
      item.status ||= 'completed';
      const calls = callsIn(item);
      const thinking = mendContent(item);
      const items = thinking === '' ? [item] : [thinkingItem(thinking), item];
      return [...items, ...calls.flatMap((call) => mendItem(call, used, headers))];
    }
    case 'function_call':
      item.status ||= 'completed';
      mendCall(item, used, headers);
      return [item];
    case 'reasoning':
      mendReasoning(item);
      return [item];
    case 'mcp_call':
      if (item.output != null && typeof item.output !== 'string') item.output = JSON.stringify(item.output);
      return [item];
    default:
      if (readable[String(item.type)]?.(item) === false) {
        throw new MalformedAnswerError(`an item of it lacks what a ${item.type} has`, headers());
      }
      return [item];
  }
}

/** Leaves out the items that the server sent twice. */
function withoutRepeated(items: readonly Item[]): Item[] {
  const known = new Map<string, Item>();
  return items.filter((item) => {
    if (item.id === undefined) return true;
    const key = `${item.type} ${item.id}`;
    const same = known.get(key);
    known.set(key, item);
    return same === undefined || JSON.stringify(same) !== JSON.stringify(item);
  });
}

/**
 * The items of an output as the SDK reads them, mended in place.
 *
 * @throws {MalformedAnswerError} for an item that cannot be mended
 */
export function mendItems(output: readonly unknown[], headers: HeadersOf): Item[] {
  const used = new Set<string>();
  const items = output.flatMap((item): Item[] => {
    if (typeof item === 'string') return [{ type: 'message', content: item }];
    if (!isRecord(item)) return [];
    // A part of a message that stands in the output by itself.
    return item.type === 'output_text' || item.type === 'text' ? [{ type: 'message', content: [item] }] : [item];
  });
  return withoutRepeated(items).flatMap((item) => mendItem(item, used, headers));
}

type Part = { type?: unknown; text?: unknown; refusal?: unknown };

/** The text of a mended message; empty for other items. */
export function textIn({ type, content }: Item): string {
  if (type !== 'message') return '';
  return (content as Part[]).map((part) => (part.type === 'output_text' ? part.text : '')).join('');
}

/** Whether an item says something: a message with text or a refusal, an image, or a call that waits for its output. */
export function saysSomething({ type, content, call_id: callId }: Item): boolean {
  if (type === 'message') return (content as Part[]).some(({ text, refusal }) => text !== '' || refusal !== undefined);
  return callId !== undefined || type === 'image_generation_call' || type === 'mcp_approval_request';
}
