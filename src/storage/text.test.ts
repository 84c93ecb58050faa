import { expect, test } from 'vitest';
import { JsonText } from './port/index.ts';
import { fromJsonText, toJsonText } from './text.ts';

test('a JsonText is stored as it was made, whatever happens to the original', () => {
  const original = { output: [{ text: 'a\u0000\ud800' }], left: undefined };
  const kept = new JsonText(original);
  original.output[0] = { text: 'b' };
  expect(fromJsonText(toJsonText(kept))).toEqual({ output: [{ text: 'a\u0000\ud800' }] });
  expect(JSON.stringify({ kept })).toBe(`{"kept":${kept.text}}`);
});

test('what cannot be JSON is refused', () => {
  const circle: unknown[] = [];
  circle.push(circle);
  for (const value of [[1n], circle]) expect(() => new JsonText(value)).toThrow(TypeError);
});
