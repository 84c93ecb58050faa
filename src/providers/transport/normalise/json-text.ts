import { isDeepStrictEqual } from 'node:util';

/** The value of a JSON text; undefined if it is none. */
export function parsedOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The JSON text of a value; empty if it has none, as a value that is nested too deep. */
export function textOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return '';
  }
}

/** Whether two JSON texts have the same value. */
export function haveSameValue(one: string, other: string): boolean {
  if (one === other) return true;
  const value = parsedOf(one);
  try {
    return value !== undefined && isDeepStrictEqual(value, parsedOf(other));
  } catch {
    return false; // nested too deep to be compared
  }
}
