import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { createReleasingMap } from './releasing-map.ts';

describe('a releasing map', () => {
  test('has all values that were added and not deleted, in the order of their addition', () => {
    const map = createReleasingMap<string, number>();
    for (const [key, value] of [
      ['a', 1],
      ['b', 2],
      ['c', 3],
    ] as const) {
      map.set(key, value);
    }
    expect(map.delete('b')).toBe(true);
    expect(map.delete('b')).toBe(false);
    expect([map.get('a'), map.get('b'), map.size()]).toEqual([1, undefined, 2]);
    expect([...map.values()]).toEqual([1, 3]);
  });

  test('replaces a value by another one with the same key', () => {
    const map = createReleasingMap<string, number>();
    map.set('a', 1);
    map.set('a', 2);
    expect([map.get('a'), map.size(), ...map.values()]).toEqual([2, 1, 2]);
  });

  test('allows the deletion of values during the iteration', () => {
    const map = createReleasingMap<number, () => void>();
    const called: number[] = [];
    for (const key of [1, 2, 3]) {
      map.set(key, () => {
        called.push(key);
        map.delete(key);
        map.delete(2);
      });
    }
    for (const callback of map.values()) callback();
    expect(called).toEqual([1, 3]);
  });

  test('keeps nothing of deleted values reachable, even before a full garbage collection', () => {
    setFlagsFromString('--expose-gc');
    // V8 would allocate such values in the old generation once many of them had survived two collections in a row.
    setFlagsFromString('--no-allocation-site-pretenuring');
    const collect = runInNewContext('gc') as (options?: { type: 'minor' }) => void;
    const oldBytes = () => {
      const spaces = getHeapSpaceStatistics().filter(({ space_name: name }) => name === 'old_space');
      return spaces.reduce((sum, { space_used_size: bytes }) => sum + bytes, 0);
    };
    const map = createReleasingMap<number, object>();
    const valuesAtOnce = 16;
    let oldestBytes = 0;
    for (let number = 0; number < 4_000; number += 1) {
      // Earlier garbage is collected, and the map itself is as old as in a process that has run for a while.
      if (number === 2_000) {
        collect();
        oldestBytes = oldBytes();
      }
      const value = Array.from({ length: 500 }, (_, index) => ({ index }));
      map.set(number, value);
      map.delete(number - valuesAtOnce);
      if (number % 100 === 0) for (const type of ['minor', 'minor'] as const) collect({ type });
    }
    // 2,000 values of about 10 kB each; a Map would have had most of them copied there.
    expect((oldBytes() - oldestBytes) / 1024 / 1024).toBeLessThan(8);
  });
});
