import { hash } from 'node:crypto';
import type { Json } from '../../storage/port/index.ts';

/** Strings that are shorter are recorded wherever they are, in characters. */
export const storedCharsMin = 4_096;

/** The key of a reference. */
export const referenceKey = '$ref';

/**
 * What holds a string: the output of a step of the run, an item of its session, or the run's own input (as the
 * items that a model receives).
 */
export type StringHolder = { step: number } | { item: number } | { input: true };

/**
 * Where a string is: at the end of this path in what the API shows of its holder, or (`as: 'text'`) the text that a model
 * is sent of it.
 */
export type StringPlace = (StringHolder & { path: (string | number)[] }) | (StringHolder & { as: 'text' });

/**
 * Stands in the recorded input of a model call for a long string that is stored already: for `prefix`, if any, and the
 * string at the place.
 */
export type StringReference = {
  [referenceKey]: StringPlace;
  prefix?: string;
  /** Bytes of the whole string. */
  bytes: number;
  /** SHA-256 of the string at the place, as base64url: who reads the reference can tell that it is the same. */
  sha256: string;
};

/** The digest by which a stored string is recognised. */
export const digestOfString = (text: string): string => hash('sha256', text, 'base64url');

/** Whether JSON is a reference, and not an object of the application that has the key. */
export function isReference(value: Json | undefined): value is StringReference & { [key: string]: Json } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const { [referenceKey]: place, bytes, sha256 } = value as { [key: string]: Json };
  return typeof place === 'object' && place !== null && typeof bytes === 'number' && typeof sha256 === 'string';
}
