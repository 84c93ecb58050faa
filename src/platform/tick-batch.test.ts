import { expect, test } from 'vitest';
import { createTickBatch } from './tick-batch.ts';

test('what waits in one turn goes on at its end, together and in order, before what follows from it', async () => {
  const atEndOfTurn = createTickBatch();
  const order: string[] = [];
  for (const name of ['one', 'two']) {
    atEndOfTurn(() => {
      order.push(name);
      void Promise.resolve().then(() => order.push(`after ${name}`));
    });
  }
  expect(order).toEqual([]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(order).toEqual(['one', 'two', 'after one', 'after two']);
});

test('what is added meanwhile has a turn of its own', async () => {
  const atEndOfTurn = createTickBatch();
  const order: string[] = [];
  atEndOfTurn(() => {
    order.push('first');
    atEndOfTurn(() => order.push('second'));
  });
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  expect(order).toEqual(['first', 'second']);
});
