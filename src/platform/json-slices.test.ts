import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { copyInSlices, jsonInSlices, type Replacer } from './json-slices.ts';
import { atOnce, type Slices } from './slices.ts';

/** So heavy that every list and object around it is written in pieces. */
const long = 'x'.repeat(700_000);
const circular: Record<string, unknown> = { long };
circular.self = circular;

/** How often work gives way. */
function turnsOf(work: Slices<unknown>): number {
  let turns = 0;
  while (!work.next().done) turns += 1;
  return turns;
}

describe('the JSON of a large value', () => {
  test('is the same in pieces as in one', () => {
    const values = fc.anything({ withDate: true, withTypedArray: true, withSparseArray: true, maxDepth: 4 });
    const key = fc.oneof(fc.string(), fc.constantFrom('__proto__', '7', 'toJSON', 'data'));
    fc.assert(
      fc.property(values, values, key, (before, after, name) => {
        for (const value of [[before, { before, long, after }], { after, [name]: [long, before], before }]) {
          expect(atOnce(jsonInSlices(value))).toBe(JSON.stringify(value));
        }
      }),
      { numRuns: 50 },
    );
  });

  test('is made with a replacer that sees what the one of JSON.stringify sees', () => {
    const seen: unknown[] = [];
    const replacer: Replacer = function replace(key, value) {
      seen.push([this === whole.file ? 'file' : '', key, typeof value]);
      return key === 'data' && (this as { type?: string }).type === 'png' ? '[a picture]' : value;
    };
    const whole = { file: { data: long, type: 'png', buffer: Buffer.from('a') }, more: 'x'.repeat(700_000), at: 1 };
    const written = JSON.stringify(whole, replacer);
    const expected = seen.splice(0).filter((call) => (call as string[])[2] !== 'object');
    expect(atOnce(jsonInSlices(whole, replacer))).toBe(written);
    expect(seen).toEqual(expect.arrayContaining(expected));
    const snapshot = { long, buffer: JSON.parse(JSON.stringify(Buffer.alloc(30_000))) };
    const short: Replacer = (_, value) => ((value as { type?: string })?.type === 'Buffer' ? 'bytes' : value);
    expect(atOnce(jsonInSlices(snapshot, short))).toBe(JSON.stringify(snapshot, short));
  });

  test('is refused where JSON.stringify refuses it', () => {
    expect(() => atOnce(jsonInSlices(circular))).toThrow('circular');
    expect(() => atOnce(jsonInSlices([long, { id: 1n }]))).toThrow('BigInt');
  });

  test('gives way after pieces of thousands of values, and not at all where the value is small', () => {
    const rows = Array.from({ length: 100_000 }, (_, id) => ({ id, name: `row ${id}` }));
    expect(turnsOf(jsonInSlices(rows))).toBeGreaterThan(10);
    expect(turnsOf(jsonInSlices({ rows }))).toBeGreaterThan(10);
    expect(turnsOf(jsonInSlices(rows.slice(0, 100)))).toBe(0);
  });

  test('comes with a copy that is what JSON.parse makes of it', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        for (const whole of [[value, [long, value]], { a: value, b: { long, value } }, { value }]) {
          const { text, copy } = atOnce(copyInSlices(whole));
          expect(text).toBe(JSON.stringify(whole));
          expect(copy).toStrictEqual(JSON.parse(text));
        }
      }),
      { numRuns: 50 },
    );
    const odd = JSON.parse(`{"__proto__":["${long}"],"at":1}`) as object;
    expect(atOnce(copyInSlices(odd)).copy).toStrictEqual(odd);
  });
});
