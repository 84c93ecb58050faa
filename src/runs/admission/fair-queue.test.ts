import { describe, expect, test } from 'vitest';
import { createFairQueue } from './fair-queue.ts';

/** A line of names such as `a1`, each of the party that its letter names. */
function lineOf(names: string[], weights: Record<string, number> = {}) {
  const line = createFairQueue<string, string>((party) => weights[party] ?? 1);
  for (const name of names) line.add(name.charAt(0), name);
  return line;
}

const drain = (line: ReturnType<typeof lineOf>) =>
  Array.from({ length: line.size() }, () => line.next()).concat(line.next() ?? 'empty');

describe('a line of several parties', () => {
  test('lets one of each go in turn, those of a party in order of arrival', () => {
    expect(drain(lineOf(['a1', 'a2', 'a3', 'a4', 'b1', 'c1', 'c2']))).toEqual([
      ...['a1', 'b1', 'c1', 'a2', 'c2', 'a3', 'a4'],
      'empty',
    ]);
  });

  test('lets as many of a party go in a row as its weight says', () => {
    expect(drain(lineOf(['a1', 'a2', 'a3', 'a4', 'a5', 'b1', 'b2'], { a: 2 }))).toEqual([
      ...['a1', 'a2', 'b1', 'a3', 'a4', 'b2', 'a5'],
      'empty',
    ]);
  });

  test('gives a party that left and came back no turn before its turn', () => {
    const line = lineOf(['a1', 'b1', 'b2']);
    expect(line.next()).toBe('a1');
    line.add('a', 'a2');
    expect(drain(line)).toEqual(['b1', 'a2', 'b2', 'empty']);
  });

  test('knows which place one more would have: behind few of a party with many', () => {
    const line = lineOf(['a1', 'a2', 'a3', 'a4', 'b1']);
    expect([line.positionOf('a'), line.positionOf('b'), line.positionOf('c')]).toEqual([6, 4, 3]);
    const weighted = lineOf(['a1', 'a2', 'a3', 'a4', 'b1'], { a: 3 });
    expect([weighted.positionOf('a'), weighted.positionOf('b')]).toEqual([6, 6]);
  });

  test('holds nothing of who has left', () => {
    const line = lineOf(['a1', 'a2', 'b1']);
    expect([line.remove('a', 'a1'), line.remove('a', 'a1'), line.remove('b', 'b1')]).toEqual([true, false, true]);
    expect([line.size(), line.parties(), line.countOf('a'), line.countOf('b')]).toEqual([1, 1, 1, 0]);
    expect(line.clear()).toEqual(['a2']);
    expect([line.size(), line.parties()]).toEqual([0, 0]);
  });
});

describe('a line that is full', () => {
  test('takes out the last of the party with the most for one of a party with fewer', () => {
    const line = lineOf(['a1', 'b1', 'a2', 'a3', 'b2']);
    expect(line.giveWayTo('c')).toBe('a3');
    expect(drain(line)).toEqual(['a1', 'b1', 'a2', 'b2', 'empty']);
  });

  test('takes out nobody for a party that would then have more than the other', () => {
    const line = lineOf(['a1', 'a2', 'b1']);
    expect(line.giveWayTo('a')).toBeUndefined();
    expect(line.giveWayTo('b')).toBeUndefined();
    expect(line.giveWayTo('c')).toBe('a2');
    expect(line.giveWayTo('d')).toBeUndefined();
  });
});
