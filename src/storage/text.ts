import type { Json } from './port/index.ts';

/**
 * A value as JSON text, or null for null. Strings that users and models wrote are stored this way too: JSON escapes
 * NUL and lone surrogates (ECMA-262, well-formed JSON.stringify), which a text column would refuse or replace.
 */
export function toJsonText(value: Json): string | null {
  return value === null ? null : JSON.stringify(value);
}

/** The value of a text that `toJsonText` made. */
export function fromJsonText<T extends Json>(text: string | null): T | null {
  return text === null ? null : (JSON.parse(text) as T);
}

/**
 * A name that came from outside, such as a provider's name of a model, as a column of plain text can hold it: NUL and
 * lone surrogates become U+FFFD. Plain, since names are compared and grouped in SQL.
 */
export function toNameText(name: string): string {
  return name.toWellFormed().replaceAll('\0', '\uFFFD');
}
