import type { JsonRecord, RunInput } from './types.ts';

/**
 * The input as the item of a conversation that the SDK sends to the model and stores in the session. Postgres makes the
 * same item in SQL for runs that it ends itself, with the column as `content` (`remains_of_run` in `001-initial.sql`); so
 * the column has to hold the JSON of `content`.
 */
export const toInputItem = ({ text }: RunInput): JsonRecord => ({ type: 'message', role: 'user', content: text });

/** The input as text: for the field `message` on the wire, and for the log. */
export const toInputText = ({ text }: RunInput): string => text;

/** The input as the column `message` of both engines holds it: JSON. */
export const toInputColumn = ({ text }: RunInput): string => JSON.stringify(text);

/** The input that a column `message` holds. */
export const fromInputColumn = (column: string): RunInput => ({ text: JSON.parse(column) as string });
