/** Whether a character of a JSON text is escaped. */
function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text[at - 1 - backslashes] === '\\') backslashes += 1;
  return backslashes % 2 === 1;
}

/** Where the string ends that begins at `start` of a JSON text. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end;
}

/** Whether a JSON text has a string of `charsMin` characters or more: to be told without parsing megabytes of rows. */
export function hasLongString(text: string, charsMin: number): boolean {
  for (let start = text.indexOf('"'); start !== -1; ) {
    const end = endOfString(text, start);
    if (end - start > charsMin) return true;
    start = text.indexOf('"', end + 1);
  }
  return false;
}

/** Whether JSON may have what `JSON.stringify` makes of a Buffer, which a model is told in another form. */
export const mayHaveBuffer = (text: string): boolean => text.includes('"Buffer"');
