import { expect, test } from 'vitest';
import { createFakeClock } from '../../tests/support/fake-clock.ts';
import { createPolling } from './polling.ts';

/** A polling service whose polls are counted; `fails` says whether the next one fails. */
function createCounted() {
  const clock = createFakeClock();
  const state = { polls: 0, failures: [] as unknown[], fails: false };
  const service = createPolling({
    name: 'counted',
    everyMs: 1_000,
    async poll() {
      state.polls += 1;
      if (state.fails) throw new Error('the store is unavailable');
    },
    failed: (error) => void state.failures.push(error),
    clock,
  });
  return { clock, state, service };
}

test('a polling service polls at its start and after each pause', async () => {
  const { clock, state, service } = createCounted();
  await service.start();
  await clock.advance(2_500);
  expect(state.polls).toBe(3);
  await service.stop(AbortSignal.abort());
});

test('a failed poll is reported, and the next one follows all the same', async () => {
  const { clock, state, service } = createCounted();
  state.fails = true;
  await service.start();
  await clock.advance(1_000);
  expect(state.failures).toHaveLength(2);
  state.fails = false;
  await clock.advance(1_000);
  expect([state.polls, state.failures.length]).toEqual([3, 2]);
  await service.stop(AbortSignal.abort());
});

test('a stopped service polls no more, and may be stopped again', async () => {
  const { clock, state, service } = createCounted();
  await service.start();
  await service.stop(AbortSignal.abort());
  await service.stop(AbortSignal.abort());
  await clock.advance(10_000);
  expect(state.polls).toBe(1);
});
