import { expect, test } from 'vitest';
import { createAdaptiveLimit } from './adaptive-limit.ts';
import { createPrioritySemaphore } from './priority-semaphore.ts';

const never = new AbortController().signal;

test('calls for whom somebody waits go before those in the background, each kind in order of arrival', async () => {
  const gate = createPrioritySemaphore(1);
  expect(gate.tryEnter()).toBe(true);
  const order: string[] = [];
  const waits = [
    gate.enter(false, never).then(() => order.push('background')),
    gate.enter(true, never).then(() => order.push('first')),
    gate.enter(true, never).then(() => order.push('second')),
  ];
  for (const _ of waits) {
    gate.leave();
    await Promise.resolve();
  }
  await Promise.all(waits);
  expect(order).toEqual(['first', 'second', 'background']);
});

test('nobody passes those who wait', () => {
  const gate = createPrioritySemaphore(1);
  gate.tryEnter();
  void gate.enter(true, never);
  gate.setLimit(1);
  expect(gate.tryEnter()).toBe(false);
});

test('whoever waits no longer takes no place', async () => {
  const gate = createPrioritySemaphore(1);
  gate.tryEnter();
  const leaving = new AbortController();
  const waiting = gate.enter(true, leaving.signal);
  leaving.abort(new Error('gone'));
  await expect(waiting).rejects.toThrow('gone');
  gate.leave();
  expect([gate.used(), gate.waiting()]).toEqual([0, 0]);
});

test('a higher limit lets those in who wait, a lower one sends nobody out', async () => {
  const gate = createPrioritySemaphore(1);
  gate.tryEnter();
  const waiting = gate.enter(false, never);
  gate.setLimit(2);
  await waiting;
  gate.setLimit(1);
  expect(gate.used()).toBe(2);
  gate.leave();
  expect(gate.tryEnter()).toBe(false);
});

test('a plea to slow down halves the calls at a time, which then rise by one a round until the limit is off', () => {
  const rate = createAdaptiveLimit(() => 0);
  const fill = (count: number) => Array.from({ length: count }, () => rate.gate.tryEnter()).filter(Boolean).length;
  expect(fill(8)).toBe(8);
  rate.slowDown();
  expect(rate.gate.limit()).toBe(4);
  rate.slowDown();
  expect(rate.gate.limit()).toBe(2);
  for (let answer = 0; answer < 2; answer += 1) rate.answered(1_000);
  expect(rate.gate.limit()).toBe(3);
  for (let answer = 0; answer < 200; answer += 1) rate.answered(1_000);
  expect(rate.gate.limit()).toBe(Number.POSITIVE_INFINITY);
});

test('where a million tokens a minute are sent, the calls at a time rise by half in a quarter of an hour at most', () => {
  let nowMs = 0;
  const rate = createAdaptiveLimit(() => nowMs);
  for (let call = 0; call < 200; call += 1) rate.gate.tryEnter();
  rate.slowDown();
  expect(rate.gate.limit()).toBe(100);
  const minutes = (count: number) => {
    for (let minute = 0; minute < count; minute += 1) {
      for (let answer = 0; answer < 2_000; answer += 1) rate.answered(1_000);
      nowMs += 60_000;
    }
  };
  minutes(15);
  expect(rate.gate.limit()).toBeGreaterThan(135);
  expect(rate.gate.limit()).toBeLessThanOrEqual(150);
  minutes(15);
  expect(rate.gate.limit()).toBeLessThanOrEqual(225);
  nowMs += 120_000; // little is sent, and nothing is too steep
  for (let answer = 0; answer < 200_000; answer += 1) rate.answered(1);
  expect(rate.gate.limit()).toBe(Number.POSITIVE_INFINITY);
});

test('one call at a time is left in any case', () => {
  const rate = createAdaptiveLimit(() => 0);
  for (let plea = 0; plea < 5; plea += 1) rate.slowDown();
  expect(rate.gate.limit()).toBe(1);
});
