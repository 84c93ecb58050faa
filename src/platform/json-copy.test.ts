import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonCopy } from './json-copy.ts';

test('a copy is what JSON makes of a value, with long strings in it too', () => {
  const long = 'x\ud800"'.repeat(30_000);
  fc.assert(
    fc.property(fc.anything({ withDate: true, withNullPrototype: false, maxDepth: 3 }), fc.string(), (value, key) => {
      const whole = { value, [key]: [long, { long }], more: long };
      expect(jsonCopy(whole)).toStrictEqual(JSON.parse(JSON.stringify(whole)));
    }),
    { numRuns: 50 },
  );
});
