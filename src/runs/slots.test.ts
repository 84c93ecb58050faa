import { expect, test } from 'vitest';
import { createSlots } from './slots.ts';

const never = new AbortController().signal;

test('no more places are taken than there are', () => {
  const slots = createSlots(2);
  expect([slots.tryAcquire(), slots.tryAcquire(), slots.tryAcquire()]).toEqual([true, true, false]);
  slots.release();
  expect(slots.tryAcquire()).toBe(true);
  expect(slots.used()).toBe(2);
});

test('those who wait get a place in the order in which they came', async () => {
  const slots = createSlots(1);
  slots.tryAcquire();
  const served: string[] = [];
  const first = slots.acquire(never).then(() => served.push('first'));
  const second = slots.acquire(never).then(() => served.push('second'));
  slots.release();
  await first;
  slots.release();
  await second;
  expect(served).toEqual(['first', 'second']);
  expect(slots.used()).toBe(1);
});

test('a place given back goes to the one who waits, not to a newcomer', async () => {
  const slots = createSlots(1);
  slots.tryAcquire();
  const waiting = slots.acquire(never);
  slots.release();
  expect(slots.tryAcquire()).toBe(false);
  await waiting;
});

test('one who stops waiting leaves the line and takes no place', async () => {
  const slots = createSlots(1);
  slots.tryAcquire();
  const leaving = new AbortController();
  const waiting = slots.acquire(leaving.signal);
  leaving.abort(new Error('left'));
  await expect(waiting).rejects.toThrow('left');
  slots.release();
  expect(slots.used()).toBe(0);
});
