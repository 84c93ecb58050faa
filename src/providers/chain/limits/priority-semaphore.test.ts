import { expect, test } from 'vitest';
import { createPrioritySemaphore } from './priority-semaphore.ts';

const never = new AbortController().signal;

test('interactive calls come before background calls, and each queue is first in, first out', async () => {
  const semaphore = createPrioritySemaphore(1);
  expect(semaphore.tryAcquire()).toBe(true);
  const order: string[] = [];
  const waits = [
    semaphore.acquire(false, never).then(() => order.push('background')),
    semaphore.acquire(true, never).then(() => order.push('first')),
    semaphore.acquire(true, never).then(() => order.push('second')),
  ];
  for (const _ of waits) {
    semaphore.release();
    await Promise.resolve();
  }
  await Promise.all(waits);
  expect(order).toEqual(['first', 'second', 'background']);
});

test('a call does not overtake the calls that wait', () => {
  const semaphore = createPrioritySemaphore(1);
  semaphore.tryAcquire();
  void semaphore.acquire(true, never);
  semaphore.setLimit(1);
  expect(semaphore.tryAcquire()).toBe(false);
});

test('a call that no longer waits takes no permit', async () => {
  const semaphore = createPrioritySemaphore(1);
  semaphore.tryAcquire();
  const caller = new AbortController();
  const waiting = semaphore.acquire(true, caller.signal);
  caller.abort(new Error('disconnected'));
  await expect(waiting).rejects.toThrow('disconnected');
  semaphore.release();
  expect([semaphore.used(), semaphore.waiting()]).toEqual([0, 0]);
});

test('a higher limit grants permits to waiting calls; a lower one takes none back', async () => {
  const semaphore = createPrioritySemaphore(1);
  semaphore.tryAcquire();
  const waiting = semaphore.acquire(false, never);
  semaphore.setLimit(2);
  await waiting;
  semaphore.setLimit(1);
  expect(semaphore.used()).toBe(2);
  semaphore.release();
  expect(semaphore.tryAcquire()).toBe(false);
});
