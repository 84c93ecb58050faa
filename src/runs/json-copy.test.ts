import fc from 'fast-check';
import { expect, test } from 'vitest';
import { toJson } from './json-copy.ts';

const throughText = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test('a copy is what a text in between would have made, whatever was in it', () => {
  const anything = fc.anything({ withDate: true, withNullPrototype: true });
  fc.assert(
    fc.property(anything, (value) => {
      expect(JSON.stringify(toJson([value]))).toBe(JSON.stringify(throughText([value])));
    }),
  );
});

test.each([
  { value: JSON.parse('{"__proto__":{"a":1}}') },
  { value: { left: undefined, out() {}, [Symbol('too')]: 1, kept: null } },
  { value: [undefined, () => {}, Number.NaN, Number.POSITIVE_INFINITY] },
  { value: { at: new Date(0), url: new URL('http://127.0.0.1/') } },
  {
    value: new (class {
      tokens = 1;
      #own = 2;
      get own() {
        return this.#own;
      }
    })(),
  },
])('so is one of $value', ({ value }) => {
  expect(JSON.stringify(toJson(value))).toBe(JSON.stringify(throughText(value)));
});

test('what happens to the original does not happen to its copy', () => {
  const original = { output: [{ text: 'a' }] };
  const copy = toJson(original);
  original.output[0] = { text: 'b' };
  expect(copy).toEqual({ output: [{ text: 'a' }] });
});

test('what cannot be JSON is refused', () => {
  const circle: unknown[] = [];
  circle.push(circle);
  expect(() => toJson(1n)).toThrow(TypeError);
  expect(() => toJson(circle)).toThrow(RangeError);
});
