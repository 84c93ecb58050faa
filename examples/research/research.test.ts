import { expect, test } from 'vitest';
import { find } from './tools.ts';

test('a query finds what is known about each of its words', () => {
  expect(find('Tea or coffee?')).toEqual([expect.stringContaining('China'), expect.stringContaining('Ethiopia')]);
  expect(find('milk')).toEqual([]);
});
