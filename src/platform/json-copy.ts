import { randomUUID } from 'node:crypto';

/** From this length on a string is not written and read again, in characters. */
const longCharsMin = 65_536;
/** The key of what stands for a long string; nobody else can know it. */
const longKey = `long ${randomUUID()}`;

/** What `JSON.parse` makes of the JSON of a value; its long strings are not copied. */
export function jsonCopy(value: object): unknown {
  const long: string[] = [];
  const text = JSON.stringify(value, (_, item: unknown) => {
    if (typeof item !== 'string' || item.length < longCharsMin) return item;
    return { [longKey]: long.push(item) };
  });
  if (long.length === 0) return JSON.parse(text);
  return JSON.parse(text, (_, item: unknown) => {
    const number = (item as Record<string, number> | null)?.[longKey];
    return number === undefined ? item : long[number - 1];
  });
}
