import { closingQuote } from '../../platform/json-string-end.ts';

/** Whether a JSON text has a string of `charsMin` characters or more: to be told without parsing megabytes of rows. */
export function hasLongString(text: string, charsMin: number): boolean {
  for (let start = text.indexOf('"'); start !== -1; ) {
    const end = closingQuote(text, start);
    if (end - start > charsMin) return true;
    start = text.indexOf('"', end + 1);
  }
  return false;
}

/** Whether JSON may have what `JSON.stringify` makes of a Buffer, which a model is told in another form. */
export const mayHaveBuffer = (text: string): boolean => text.includes('"Buffer"');
