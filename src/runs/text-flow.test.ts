import { expect, test } from 'vitest';
import type { Clock } from '../platform/clock.ts';
import type { RunEventBody } from './events.ts';
import { createTextFlow } from './text-flow.ts';

/** A flow whose wait for more text ends when the test says so. */
function openFlow() {
  let sleepers: (() => void)[] = [];
  const clock: Clock = {
    nowMs: () => 0,
    monotonicMs: () => 0,
    sleep: () => new Promise((resolve) => sleepers.push(resolve)),
  };
  const told: [number, string][] = [];
  const tell = (body: RunEventBody) => {
    if (body.type === 'text.delta') told.push([body.step, body.delta]);
  };
  const wake = async () => {
    for (const resume of sleepers.splice(0)) resume();
    sleepers = [];
    await Promise.resolve();
  };
  return { flow: createTextFlow({ clock, tell }), told, wake };
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
  const { flow, told } = openFlow();
  flow.add(1, 'a');
  flow.add(1, 'b');
  flow.add(2, 'c');
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
