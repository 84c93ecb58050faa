import { describe, expect, test } from 'vitest';
import { largeToolResults, lookAt, oddLargeToolResults } from '../../../tests/support/tool-results.ts';
import { atOnce, type Slices } from '../../platform/slices.ts';
import { type Json, JsonText } from '../../storage/port/index.ts';
import { isLargeOutput, recallLarge, recordLarge } from './large-output.ts';
import { smartText } from './smart-text.ts';
import { recalledOutput, recordOutput, shownOutput } from './tool-output.ts';

const limit = { tool: 'look', bytesMax: 100_000_000 };
const textOf = (output: Json) => JSON.stringify(output);

/** How often work gives way. */
function turnsOf(work: Slices<unknown>): number {
  let turns = 0;
  while (!work.next().done) turns += 1;
  return turns;
}

describe('a large result', () => {
  test.each([...largeToolResults, ...oddLargeToolResults])('is recorded as a small one is: %s', (_, make) => {
    const { output, value, text, shown } = atOnce(recordLarge(make(), limit));
    const recorded = recordOutput(make(), limit);
    expect(textOf(output)).toBe(textOf(recorded));
    expect(lookAt(value)).toEqual(lookAt(recalledOutput(recorded)));
    expect(text).toBe(smartText(recalledOutput(recorded)));
    expect(textOf(shown)).toBe(textOf(shownOutput(recorded)));
  });

  test.each(largeToolResults)('is read from the store as a small one is: %s', (_, make) => {
    const stored = textOf(recordOutput(make(), limit));
    for (const output of [JSON.parse(stored) as Json, new JsonText(null, stored)]) {
      const { value, text, shown } = atOnce(recallLarge(output));
      expect(lookAt(value)).toEqual(lookAt(recalledOutput(output)));
      expect(text).toBe(smartText(recalledOutput(output)));
      expect(textOf(shown)).toBe(textOf(shownOutput(output)));
    }
  });

  test('is known by its size, whether its JSON is parsed or not', () => {
    const rows = Array.from({ length: 100_000 }, (_, id) => id);
    expect([isLargeOutput(rows), isLargeOutput(new JsonText(['x'.repeat(700_000)]))]).toEqual([true, true]);
    expect([isLargeOutput([1]), isLargeOutput(new JsonText(rows.slice(0, 100)))]).toEqual([false, false]);
  });

  const many = Array.from({ length: 100_000 }, (_, id) => ({ id, name: `row ${id}` }));

  test.each<[string, unknown, number]>([
    ['rows', many, 100_000_000],
    ['rows with a date', [...many, new Date(0)], 100_000_000],
    ['rows that are refused', many, 3_000_000],
    ['rows with a date that are refused', [new Date(0), ...many], 3_000_000],
  ])('is worked on in many pieces: %s', (_, value, bytesMax) => {
    expect(turnsOf(recordLarge(value, { tool: 'look', bytesMax }))).toBeGreaterThan(10);
  });
});
