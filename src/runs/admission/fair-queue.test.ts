import { describe, expect, test } from 'vitest';
import { createFairQueue } from './fair-queue.ts';

/** A queue of names such as `a1`, each of the flow that its letter names. */
function queueOf(names: string[], weights: Record<string, number> = {}) {
  const queue = createFairQueue<string, string>((flow) => weights[flow] ?? 1);
  for (const name of names) queue.add(name.charAt(0), name);
  return queue;
}

const drain = (queue: ReturnType<typeof queueOf>) =>
  Array.from({ length: queue.size() }, () => queue.next()).concat(queue.next() ?? 'empty');

describe('a fair queue of several flows', () => {
  test('serves one waiter of each flow in turn, those of a flow in order of arrival', () => {
    expect(drain(queueOf(['a1', 'a2', 'a3', 'a4', 'b1', 'c1', 'c2']))).toEqual([
      ...['a1', 'b1', 'c1', 'a2', 'c2', 'a3', 'a4'],
      'empty',
    ]);
  });

  test('serves as many waiters of a flow in a row as its weight says', () => {
    expect(drain(queueOf(['a1', 'a2', 'a3', 'a4', 'a5', 'b1', 'b2'], { a: 2 }))).toEqual([
      ...['a1', 'a2', 'b1', 'a3', 'a4', 'b2', 'a5'],
      'empty',
    ]);
  });

  test('serves a flow that was empty and has waiters again after the others', () => {
    const queue = queueOf(['a1', 'b1', 'b2']);
    expect(queue.next()).toBe('a1');
    queue.add('a', 'a2');
    expect(drain(queue)).toEqual(['b1', 'a2', 'b2', 'empty']);
  });

  test('knows the position of one more waiter: a flow with many waiters delays it by few', () => {
    const queue = queueOf(['a1', 'a2', 'a3', 'a4', 'b1']);
    expect([queue.positionOf('a'), queue.positionOf('b'), queue.positionOf('c')]).toEqual([6, 4, 3]);
    const weighted = queueOf(['a1', 'a2', 'a3', 'a4', 'b1'], { a: 3 });
    expect([weighted.positionOf('a'), weighted.positionOf('b')]).toEqual([6, 6]);
  });

  test('keeps nothing of waiters that were removed', () => {
    const queue = queueOf(['a1', 'a2', 'b1']);
    expect([queue.remove('a', 'a1'), queue.remove('a', 'a1'), queue.remove('b', 'b1')]).toEqual([true, false, true]);
    expect([queue.size(), queue.flowCount(), queue.countOf('a'), queue.countOf('b')]).toEqual([1, 1, 1, 0]);
    expect(queue.clear()).toEqual(['a2']);
    expect([queue.size(), queue.flowCount()]).toEqual([0, 0]);
  });
});

describe('a full fair queue', () => {
  test('evicts the last waiter of the longest flow for a waiter of a shorter one', () => {
    const queue = queueOf(['a1', 'b1', 'a2', 'a3', 'b2']);
    expect(queue.evictFor('c')).toBe('a3');
    expect(drain(queue)).toEqual(['a1', 'b1', 'a2', 'b2', 'empty']);
  });

  test('evicts no waiter for a flow that would then be the longer one', () => {
    const queue = queueOf(['a1', 'a2', 'b1']);
    expect(queue.evictFor('a')).toBeUndefined();
    expect(queue.evictFor('b')).toBeUndefined();
    expect(queue.evictFor('c')).toBe('a2');
    expect(queue.evictFor('d')).toBeUndefined();
  });
});
