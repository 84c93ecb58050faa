import { type Json, JsonText } from './port/index.ts';

/**
 * A value as JSON text, or null for null. Strings that users and models wrote are stored this way too: JSON escapes
 * NUL and lone surrogates (ECMA-262, well-formed JSON.stringify), which a text column would refuse or replace.
 */
export function toJsonText(value: Json): string | null {
  if (value instanceof JsonText) return value.text;
  return value === null ? null : JSON.stringify(value);
}

/** The value of a text that `toJsonText` made. */
export function fromJsonText<T extends Json>(text: string | null): T | null {
  return text === null ? null : (JSON.parse(text) as T);
}

/** From this length on work on a JSON text is done in turns of the event loop of its own, in characters. */
export const longCharsMin = 600_000;

/** The same, or the text itself if it is long: who needs the value parses it. */
export const fromLongJsonText = (text: string | null): Json =>
  text !== null && text.length >= longCharsMin ? new JsonText(null, text) : fromJsonText(text);

/**
 * A name that came from outside, such as a provider's name of a model, as a column of plain text can hold it: NUL and
 * lone surrogates become U+FFFD. Plain, since names are compared and grouped in SQL. Null stays null.
 */
export function toNameText<T extends string | null>(name: T): T {
  return (name?.toWellFormed().replaceAll('\0', '\uFFFD') ?? null) as T;
}

/**
 * A name that must come back unchanged, such as the id that a model gave to a call: as it is, so that it can be read and
 * compared in SQL, unless a text column cannot hold it; then as JSON text. Different names stay different.
 */
export function toExactText<T extends string | null>(name: T): T {
  if (name === null) return name;
  const plain = !name.startsWith('"') && !name.includes('\0') && name.isWellFormed();
  return (plain ? name : JSON.stringify(name)) as T;
}

/** The name of a text that `toExactText` made. */
export function fromExactText<T extends string | null>(text: T): T {
  return (text?.startsWith('"') ? JSON.parse(text) : text) as T;
}
