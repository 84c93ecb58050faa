import { expect, test } from 'vitest';
import { createTickBatch } from './tick-batch.ts';

test('callbacks of one tick run at its end, together and in order, before the microtasks that they queue', async () => {
  const atEndOfTick = createTickBatch();
  const order: string[] = [];
  for (const name of ['one', 'two']) {
    atEndOfTick(() => {
      order.push(name);
      void Promise.resolve().then(() => order.push(`after ${name}`));
    });
  }
  expect(order).toEqual([]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(order).toEqual(['one', 'two', 'after one', 'after two']);
});

test('a callback that is added by another one runs in the next tick', async () => {
  const atEndOfTick = createTickBatch();
  const order: string[] = [];
  atEndOfTick(() => {
    order.push('first');
    atEndOfTick(() => order.push('second'));
  });
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  expect(order).toEqual(['first', 'second']);
});
