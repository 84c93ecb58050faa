import { expect, test } from 'vitest';
import type { Clock } from '../../platform/clock.ts';
import { createFlushTimer, createTextCoalescer } from './text-coalescer.ts';

/** Two text coalescers with one flush timer, which elapses when the test says so. */
function openCoalescers() {
  let sleepers: (() => void)[] = [];
  const clock: Clock = {
    nowMs: () => 0,
    monotonicMs: () => 0,
    sleep: () => new Promise((resolve) => sleepers.push(resolve)),
  };
  const emitted: [number, string][] = [];
  const first: [number, string][] = [];
  const emit = (step: number, text: string, isFirst: boolean) => {
    if (isFirst) first.push([step, text]);
    emitted.push([step, text]);
  };
  const elapse = async () => {
    for (const resume of sleepers.splice(0)) resume();
    sleepers = [];
    await new Promise((resolve) => setImmediate(resolve));
  };
  const flushTimer = createFlushTimer(clock);
  const open = () => createTextCoalescer<number>({ flushTimer, emit });
  return { text: open(), another: open(), emitted, first, elapse, timers: () => sleepers.length };
}

test('the first text of a step is emitted at once, the text that follows shares an event, and no text is lost', async () => {
  const { text, emitted, elapse } = openCoalescers();
  for (const delta of ['It ', 'left ', 'today', '.']) text.add(1, delta);
  expect(emitted).toEqual([[1, 'It ']]);
  await elapse();
  expect(emitted).toEqual([
    [1, 'It '],
    [1, 'left today.'],
  ]);
});

test('text of 1 KiB does not wait for more', () => {
  const { text, emitted } = openCoalescers();
  text.add(1, 'a');
  text.add(1, 'b'.repeat(1024));
  expect(emitted).toHaveLength(2);
});

test('text of two steps never shares an event', () => {
  const { text, emitted, first } = openCoalescers();
  text.add(1, 'a');
  text.add(1, 'b');
  text.add(2, 'c');
  expect(first).toEqual([
    [1, 'a'],
    [2, 'c'],
  ]);
  expect(emitted).toEqual([
    [1, 'a'],
    [1, 'b'],
    [2, 'c'],
  ]);
});

test('a flush emits the pending text, once', () => {
  const { text, emitted } = openCoalescers();
  text.add(1, 'a');
  text.add(1, 'b');
  text.flush();
  text.flush();
  expect(emitted).toEqual([
    [1, 'a'],
    [1, 'b'],
  ]);
});

test('text waits longer while many runs have text, within bounds, and as long as before once they have none', async () => {
  const waits: number[] = [];
  const flushTimer = createFlushTimer({ sleep: async (delayMs) => void waits.push(delayMs) });
  const waitAfter = async (runs: number) => {
    for (let n = 0; n < 2; n += 1) await Promise.all(Array.from({ length: runs }, () => flushTimer()));
    return waits.at(-1);
  };
  expect(await waitAfter(1)).toBe(10);
  expect(await waitAfter(20)).toBe(10);
  expect(await waitAfter(50)).toBe(25);
  expect(await waitAfter(1_000)).toBe(50);
  expect(await waitAfter(1)).toBe(10);
});

test('pending text of several runs is emitted at one moment, again and again', async () => {
  const { text, another, emitted, elapse, timers } = openCoalescers();
  for (const round of [1, 2]) {
    for (const [step, each] of [text, another].entries()) {
      each.add(step + 1, 'a');
      each.add(step + 1, `${round}`);
    }
    expect(timers()).toBe(1);
    await elapse();
    expect(emitted.slice(-2).map(([step]) => step)).toEqual([1, 2]);
    expect(timers()).toBe(0);
  }
});
