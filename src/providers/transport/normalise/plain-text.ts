import { isRecord } from '../../../platform/is-record.ts';

/** How deep text may lie in lists and objects; what is deeper says nothing. */
const depthMax = 8;

/**
 * The text of a value where a text is expected: of a list the texts of its parts, joined; of an object its `text`,
 * `value` or `content`; of a number or a truth value its digits or word; otherwise none.
 */
export function plainText(value: unknown, depth = depthMax): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (depth === 0) return '';
  if (Array.isArray(value)) return value.map((part) => plainText(part, depth - 1)).join('');
  if (!isRecord(value)) return '';
  return plainText(value.text ?? value.value ?? value.content, depth - 1);
}

/** An id as a text: a number becomes its digits. Undefined where there is none, or an empty one. */
export function idText(value: unknown): string | undefined {
  const id = typeof value === 'number' ? String(value) : value;
  return typeof id === 'string' && id !== '' ? id : undefined;
}
