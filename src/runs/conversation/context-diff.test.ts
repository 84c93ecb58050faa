import { describe, expect, test } from 'vitest';
import { createRandom } from '../../../tests/support/random.ts';
import type { Json, JsonRecord } from '../../storage/port/index.ts';
import { applyChange, diffOf } from './context-diff.ts';

const random = createRandom(20_261_130);
const keys = ['a', 'b', 'c', '__proto__', 'constructor', ''];

function randomValue(depth: number): Json {
  const kind = random.next();
  if (depth === 0 || kind < 0.4) return random.pick<Json>([null, true, 0, -1.5, '', 'text', 'other']);
  const size = random.between(0, 3);
  if (kind < 0.7) return Array.from({ length: size }, () => randomValue(depth - 1));
  return randomRecord(size, depth - 1);
}

function randomRecord(size: number, depth: number): JsonRecord {
  const entries = Array.from({ length: size }, () => [random.pick(keys), randomValue(depth)] as const);
  return Object.fromEntries(entries);
}

describe('the difference of two contexts', () => {
  test('turns the one into the other, in place, whatever they are', () => {
    for (let round = 0; round < 2_000; round += 1) {
      const before = randomRecord(4, 3);
      const after = randomRecord(4, 3);
      const live = structuredClone(before);
      for (const change of JSON.parse(JSON.stringify(diffOf(before, after)))) applyChange(live, change);
      expect(live).toEqual(after);
      expect(diffOf(after, after)).toEqual([]);
    }
    expect(({} as JsonRecord).a).toBeUndefined();
  });

  test('of a list that grows is what was added', () => {
    const before = { log: Array.from({ length: 1_000 }, (_, n) => `entry ${n}`) };
    const after = { log: [...before.log, 'one more'] };
    expect(diffOf(before, after)).toEqual([{ path: ['log', 1_000], value: 'one more' }]);
  });

  test('is the whole list where most of it moves', () => {
    const before = { queue: Array.from({ length: 100 }, (_, n) => n) };
    const after = { queue: before.queue.slice(1) };
    expect(diffOf(before, after)).toEqual([{ path: ['queue'], value: after.queue }]);
  });

  test('keeps the identity of what is not changed', () => {
    const live = { list: ['a'], other: {} };
    const { list } = live;
    for (const change of diffOf({ list: ['a'], other: {} }, { list: ['a', 'b'], other: {} })) applyChange(live, change);
    expect(live.list).toBe(list);
    expect(list).toEqual(['a', 'b']);
  });

  test('does nothing where what it changes is not there any more', () => {
    const live = { a: 1 };
    for (const path of [
      ['gone', 'x'],
      ['a', 'x'],
    ])
      applyChange(live, { path, value: 2 });
    expect(live).toEqual({ a: 1 });
  });
});
