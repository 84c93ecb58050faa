import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hasLongString } from './long-strings.ts';

/** The strings and keys of a JSON value, as they stand in its text. */
function writtenStrings(value: unknown): string[] {
  if (typeof value === 'string') return [JSON.stringify(value).slice(1, -1)];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => [
    ...(Array.isArray(value) ? [] : writtenStrings(key)),
    ...writtenStrings(item),
  ]);
}

test('a long string of a JSON text is found without parsing it, whatever is escaped in it', () => {
  const odd = fc.string({ unit: fc.constantFrom('a', '"', '\\', '\n', '{', ','), maxLength: 12 });
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), odd, fc.integer({ min: 1, max: 12 }), (value, text, charsMin) => {
      const all = [value, text, { [text]: 1 }];
      const isThere = writtenStrings(all).some(({ length }) => length >= charsMin);
      expect(hasLongString(JSON.stringify(all), charsMin)).toBe(isThere);
    }),
  );
});
