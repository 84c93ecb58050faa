import { expect, test } from 'vitest';
import { newRun } from '../../tests/support/execute-run.ts';
import { createHandClock } from '../../tests/support/hand-clock.ts';
import type { Run, Store } from '../storage/port/index.ts';
import { createActiveRuns } from './active-run.ts';
import { createEventFeed } from './event-feed.ts';

/** A feed of a run that another process executes, until it is removed from the store. */
function createFeed() {
  const run = newRun('blocking');
  let stored: Run | null = run;
  const store = {
    runs: { get: async () => stored },
    journal: { events: async () => [] },
    signals: { subscribe: () => () => {} },
  } as unknown as Store;
  const clock = createHandClock();
  const feed = createEventFeed({ store, active: createActiveRuns(), clock });
  const remove = async () => {
    stored = null;
    await clock.advance(1_000);
  };
  return { run, feed, remove };
}

const never = new AbortController().signal;

test('who waits for the end of a run that is removed meanwhile is told that there is none', async () => {
  const { run, feed, remove } = createFeed();
  const ended = feed.ended(run, never);
  await Promise.all([expect(ended).rejects.toMatchObject({ code: 'not_found' }), remove()]);
});

test('the events of a run that is removed meanwhile come to an end', async () => {
  const { run, feed, remove } = createFeed();
  const [events] = await Promise.all([Array.fromAsync(feed.read(run, 1, never)), remove()]);
  expect(events).toEqual([]);
});
