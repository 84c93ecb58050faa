import type { JsonRecord, RunInput } from './types.ts';

/**
 * The input as the items of a conversation that the SDK sends to the model and stores in the session. Postgres makes the
 * same items in SQL for runs that it ends itself (`input_items` in `014-input.sql`).
 */
export const toInputItems = (input: RunInput): JsonRecord[] =>
  'text' in input ? [{ type: 'message', role: 'user', content: input.text }] : [...input.items];

type Part = { type?: unknown; text?: unknown };

const textOf = (content: unknown): string => {
  if (typeof content === 'string') return content;
  const texts = (content as Part[]).flatMap(({ type, text }) => (type === 'input_text' ? [text as string] : []));
  return texts.join('\n');
};

/**
 * The input as text: for the field `message` on the wire, and for the log. The text parts of the user's last message,
 * each on a line of its own; '' if there is none.
 */
export const toInputText = (input: RunInput): string =>
  'text' in input ? input.text : textOf(input.items.findLast(({ role }) => role === 'user')?.content ?? '');

/**
 * The input as the column `message` of both engines holds it, as JSON: a string where the input is one text, else
 * the list of its items.
 */
export const toInputColumn = (input: RunInput): string => JSON.stringify('text' in input ? input.text : input.items);

/** The input that a column `message` holds. */
export function fromInputColumn(column: string): RunInput {
  const value = JSON.parse(column) as string | JsonRecord[];
  return typeof value === 'string' ? { text: value } : { items: value };
}
