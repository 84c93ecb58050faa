import { expect, test } from 'vitest';
import type { Clock } from '../../platform/clock.ts';
import type { RunEventBody } from '../events/events.ts';
import { createFlushTimer, createTextCoalescer } from './text-coalescer.ts';

/** A flow whose wait for more text ends when the test says so. */
function openFlow() {
  let sleepers: (() => void)[] = [];
  const clock: Clock = {
    nowMs: () => 0,
    monotonicMs: () => 0,
    sleep: () => new Promise((resolve) => sleepers.push(resolve)),
  };
  const told: [number, string][] = [];
  const first: [number, string][] = [];
  const tellTo = (list: [number, string][]) => (body: RunEventBody) => {
    if (body.type === 'text.delta') list.push([body.step, body.delta]);
  };
  const tell = tellTo(told);
  const tellFirst = (body: RunEventBody) => {
    tellTo(first)(body);
    tell(body);
  };
  const wake = async () => {
    for (const resume of sleepers.splice(0)) resume();
    sleepers = [];
    await new Promise((resolve) => setImmediate(resolve));
  };
  const beat = createFlushTimer(clock);
  const open = () => createTextCoalescer({ beat, tell, tellFirst });
  return { flow: open(), another: open(), told, first, wake, timers: () => sleepers.length };
}

test('the first text of a step is told at once, what follows shares an event, and nothing is lost', async () => {
  const { flow, told, wake } = openFlow();
  for (const text of ['It ', 'left ', 'today', '.']) flow.add(1, text);
  expect(told).toEqual([[1, 'It ']]);
  await wake();
  expect(told).toEqual([
    [1, 'It '],
    [1, 'left today.'],
  ]);
});

test('text of 1 KiB does not wait for more', () => {
  const { flow, told } = openFlow();
  flow.add(1, 'a');
  flow.add(1, 'b'.repeat(1024));
  expect(told).toHaveLength(2);
});

test('text of two steps never shares an event', () => {
  const { flow, told, first } = openFlow();
  flow.add(1, 'a');
  flow.add(1, 'b');
  flow.add(2, 'c');
  expect(first).toEqual([
    [1, 'a'],
    [2, 'c'],
  ]);
  expect(told).toEqual([
    [1, 'a'],
    [1, 'b'],
    [2, 'c'],
  ]);
});

test('text that waits is told before what comes after it', () => {
  const { flow, told } = openFlow();
  flow.add(1, 'a');
  flow.add(1, 'b');
  flow.flush();
  flow.flush();
  expect(told).toEqual([
    [1, 'a'],
    [1, 'b'],
  ]);
});

test('text waits for longer where many runs speak, within bounds, and as before when they no longer do', async () => {
  const waits: number[] = [];
  const beat = createFlushTimer({ sleep: async (delayMs) => void waits.push(delayMs) });
  const beats = async (runs: number) => {
    for (let n = 0; n < 2; n += 1) await Promise.all(Array.from({ length: runs }, () => beat()));
    return waits.at(-1);
  };
  expect(await beats(1)).toBe(10);
  expect(await beats(20)).toBe(10);
  expect(await beats(50)).toBe(25);
  expect(await beats(1_000)).toBe(50);
  expect(await beats(1)).toBe(10);
});

test('what several runs have waiting is told at one moment, again and again', async () => {
  const { flow, another, told, wake, timers } = openFlow();
  for (const round of [1, 2]) {
    for (const [step, each] of [flow, another].entries()) {
      each.add(step + 1, 'a');
      each.add(step + 1, `${round}`);
    }
    expect(timers()).toBe(1);
    await wake();
    expect(told.slice(-2).map(([step]) => step)).toEqual([1, 2]);
    expect(timers()).toBe(0);
  }
});
