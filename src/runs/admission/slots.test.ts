import { expect, test } from 'vitest';
import { createSlots } from './slots.ts';

test('no more slots are acquired than there are', () => {
  const slots = createSlots(2);
  expect([slots.tryAcquire(), slots.tryAcquire(), slots.tryAcquire()]).toEqual([true, true, false]);
  slots.release();
  expect(slots.tryAcquire()).toBe(true);
  expect(slots.used()).toBe(2);
});

test('the listener is notified when a slot becomes free', () => {
  const slots = createSlots(1);
  let notified = 0;
  slots.onRelease(() => {
    notified += 1;
  });
  slots.tryAcquire();
  slots.release();
  expect([notified, slots.used()]).toEqual([1, 0]);
});

test('a slot that is handed over stays in use, and the listener is not notified', () => {
  const slots = createSlots(1);
  const waiters = ['one'];
  let notified = 0;
  slots.onRelease(() => {
    notified += 1;
  });
  slots.onHandOver(() => waiters.pop() !== undefined);
  slots.tryAcquire();
  slots.release();
  expect([slots.used(), notified]).toEqual([1, 0]);
  slots.release();
  expect([slots.used(), notified]).toEqual([0, 1]);
});
