import { isRecord } from '../../../platform/is-record.ts';
import { plainText } from './plain-text.ts';

type Part = Record<string, unknown>;

/** Kinds of parts that are the model's thinking, in which some servers wrap it. */
const thinking = new Set(['thinking', 'reasoning', 'reasoning_text', 'redacted_thinking']);

const isClean = (part: Part): boolean =>
  part.type === 'output_text'
    ? typeof part.text === 'string' && Array.isArray(part.annotations)
    : part.type === 'refusal' && typeof part.refusal === 'string';

const textPart = (text: string): Part => ({ type: 'output_text', text, annotations: [] });

/** A part as the SDK reads it. Null for one of a kind that it does not know, and that has no text. */
function mendPart(part: unknown): Part | null {
  if (typeof part === 'string' || typeof part === 'number') return textPart(String(part));
  if (!isRecord(part)) return null;
  if (isClean(part)) return part;
  if (part.type === 'refusal' || (part.type === undefined && part.refusal !== undefined)) {
    return { ...part, type: 'refusal', refusal: plainText(part.refusal ?? part.text) };
  }
  const text = plainText(part);
  if (part.type !== 'output_text' && text === '') return null;
  const { annotations } = part;
  return { ...part, type: 'output_text', text, annotations: Array.isArray(annotations) ? annotations : [] };
}

const partsOf = (content: unknown): unknown[] => (Array.isArray(content) ? content : content == null ? [] : [content]);

const hasRefusal = (content: unknown): boolean =>
  partsOf(content).some((part) => isRecord(part) && part.refusal !== undefined);

/** Mends the content of a message in place. Returns the thinking that stood in it, which the SDK does not take there. */
export function mendContent(message: Record<string, unknown>): string {
  const { content, refusal } = message;
  if (typeof refusal === 'string' && refusal !== '' && !hasRefusal(content)) {
    message.content = [...partsOf(content), { type: 'refusal', refusal }];
    delete message.refusal;
    return mendContent(message);
  }
  if (Array.isArray(content) && content.every((part) => isRecord(part) && isClean(part))) return '';
  const parts = partsOf(content);
  const isThinking = (part: unknown) => isRecord(part) && thinking.has(String(part.type));
  message.content = parts.filter((part) => !isThinking(part)).flatMap((part) => mendPart(part) ?? []);
  return parts
    .filter(isThinking)
    .map((part) => plainText((part as Part).thinking ?? part))
    .join('');
}
