import { expect, test } from 'vitest';
import { createSlots } from './slots.ts';

test('no more places are taken than there are', () => {
  const slots = createSlots(2);
  expect([slots.tryAcquire(), slots.tryAcquire(), slots.tryAcquire()]).toEqual([true, true, false]);
  slots.release();
  expect(slots.tryAcquire()).toBe(true);
  expect(slots.used()).toBe(2);
});

test('a place given back is told to who waits for one', () => {
  const slots = createSlots(1);
  let told = 0;
  slots.onRelease(() => {
    told += 1;
  });
  slots.tryAcquire();
  slots.release();
  expect([told, slots.used()]).toEqual([1, 0]);
});

test('a place that is passed on stays taken, and nobody is told that it is free', () => {
  const slots = createSlots(1);
  const heirs = ['one'];
  let told = 0;
  slots.onRelease(() => {
    told += 1;
  });
  slots.onPassingOn(() => heirs.pop() !== undefined);
  slots.tryAcquire();
  slots.release();
  expect([slots.used(), told]).toEqual([1, 0]);
  slots.release();
  expect([slots.used(), told]).toEqual([0, 1]);
});
