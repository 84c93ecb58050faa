import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { createReleasingMap } from './releasing-map.ts';

describe('a roster', () => {
  test('has whoever came and has not left, in the order of arrival', () => {
    const roster = createReleasingMap<string, number>();
    for (const [key, member] of [
      ['a', 1],
      ['b', 2],
      ['c', 3],
    ] as const) {
      roster.set(key, member);
    }
    expect(roster.delete('b')).toBe(true);
    expect(roster.delete('b')).toBe(false);
    expect([roster.get('a'), roster.get('b'), roster.size()]).toEqual([1, undefined, 2]);
    expect([...roster.values()]).toEqual([1, 3]);
  });

  test('takes a member in the place of one with the same key', () => {
    const roster = createReleasingMap<string, number>();
    roster.set('a', 1);
    roster.set('a', 2);
    expect([roster.get('a'), roster.size(), ...roster.values()]).toEqual([2, 1, 2]);
  });

  test('can be left by its members while they are told', () => {
    const roster = createReleasingMap<number, () => void>();
    const told: number[] = [];
    for (const key of [1, 2, 3]) {
      roster.set(key, () => {
        told.push(key);
        roster.delete(key);
        roster.delete(2);
      });
    }
    for (const tell of roster.values()) tell();
    expect(told).toEqual([1, 3]);
  });

  test('keeps nothing of those who have left, even before a full collection of garbage', () => {
    setFlagsFromString('--expose-gc');
    // V8 would make such members old from the start once it has seen many of them survive two collections in a row.
    setFlagsFromString('--no-allocation-site-pretenuring');
    const collect = runInNewContext('gc') as (options?: { type: 'minor' }) => void;
    const oldBytes = () => {
      const spaces = getHeapSpaceStatistics().filter(({ space_name: name }) => name === 'old_space');
      return spaces.reduce((sum, { space_used_size: bytes }) => sum + bytes, 0);
    };
    const roster = createReleasingMap<number, object>();
    const membersAtOnce = 16;
    let oldestBytes = 0;
    for (let number = 0; number < 4_000; number += 1) {
      // What was garbage before is gone, and the roster itself is as old as in a process that has run for a while.
      if (number === 2_000) {
        collect();
        oldestBytes = oldBytes();
      }
      const member = Array.from({ length: 500 }, (_, index) => ({ index }));
      roster.set(number, member);
      roster.delete(number - membersAtOnce);
      if (number % 100 === 0) for (const type of ['minor', 'minor'] as const) collect({ type });
    }
    // 2,000 members of some 10 kB; a Map would have had most of them copied there.
    expect((oldBytes() - oldestBytes) / 1024 / 1024).toBeLessThan(8);
  });
});
