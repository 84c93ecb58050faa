import { describe, expect, test } from 'vitest';
import { newRun } from '../../../tests/support/execute-run.ts';
import { createFakeClock } from '../../../tests/support/fake-clock.ts';
import type { Run, Signal, Store, StoredEvent } from '../../storage/port/index.ts';
import { createActiveRuns } from '../active-runs.ts';
import { createEventFeed } from './event-feed.ts';

const running: Run = { ...newRun('background'), attempt: 1 };
const completed: Run = { ...running, status: 'completed', response: 'It left today.', finishedAtMs: 5 };
const events: StoredEvent[] = [
  { seq: 2, type: 'run.started', attempt: 1, atMs: 1, data: { agent: 'main' } },
  { seq: 3, type: 'run.completed', attempt: 1, atMs: 5, data: {} },
];

/** A feed over a store in which a run, executed elsewhere, ends after it was looked at and before its events are. */
function createFeedOfEnding() {
  let now = running;
  const store = {
    runs: { get: async () => now },
    journal: {
      async events(_tenantId: string, _runId: string, afterSeq: number) {
        now = completed;
        return events.filter(({ seq }) => seq > afterSeq);
      },
    },
    signals: { subscribe: () => () => {} },
  } as unknown as Store;
  return createEventFeed({ store, active: createActiveRuns(), clock: createFakeClock() });
}

describe('a run that ends in another process while it is looked at', () => {
  test('is shown to its viewers as it ended, at once', async () => {
    const told = await Array.fromAsync(createFeedOfEnding().read(running, 1, new AbortController().signal));
    expect(told.map(({ type }) => type)).toEqual(['run.started', 'run.completed']);
    expect(told.at(-1)).toMatchObject({ run: { status: 'completed', response: 'It left today.' } });
  });

  test('is shown as it ended in the list of its events', async () => {
    const listed = await createFeedOfEnding().stored(running, 0);
    expect(listed.map(({ type }) => type)).toEqual(['run.created', 'run.started', 'run.completed']);
    expect(listed.at(-1)).toMatchObject({ run: { status: 'completed', response: 'It left today.' } });
  });
});

/** A feed of a run that another process executes, until it is removed from the store. */
function createRemovable() {
  const run = newRun('blocking');
  let stored: Run | null = run;
  const store = {
    runs: { get: async () => stored },
    journal: { events: async () => [] },
    signals: { subscribe: () => () => {} },
  } as unknown as Store;
  const clock = createFakeClock();
  const feed = createEventFeed({ store, active: createActiveRuns(), clock });
  const remove = async () => {
    stored = null;
    await clock.advance(1_000);
  };
  return { run, feed, remove };
}

const never = new AbortController().signal;

test('who waits for the end of a run that is removed meanwhile is told that there is none', async () => {
  const { run, feed, remove } = createRemovable();
  const ended = feed.waitForEnd(run, never);
  await Promise.all([expect(ended).rejects.toMatchObject({ code: 'not_found' }), remove()]);
});

test('the events of a run that is removed meanwhile come to an end', async () => {
  const { run, feed, remove } = createRemovable();
  const [events] = await Promise.all([Array.fromAsync(feed.read(run, 1, never)), remove()]);
  expect(events).toEqual([]);
});

test('an event that is told while a viewer reads is shown at once, and not when the viewer looks again', async () => {
  const run = newRun('background');
  let told: StoredEvent[] = [];
  let tell = (_signal: Signal) => {};
  const store = {
    runs: { get: async () => (told.length > 0 ? completed : run) },
    journal: {
      async events(_tenantId: string, _runId: string, afterSeq: number) {
        const found = told.filter(({ seq }) => seq > afterSeq);
        if (told.length === 0) {
          told = events; // recorded just after it was read, and told before the viewer has seen that there is nothing
          tell({ type: 'events', runId: run.id });
        }
        return found;
      },
    },
    signals: {
      subscribe(listener: typeof tell) {
        tell = listener;
        return () => {
          tell = () => {};
        };
      },
    },
  } as unknown as Store;
  const feed = createEventFeed({ store, active: createActiveRuns(), clock: createFakeClock() }); // time stands still
  const seen = await Array.fromAsync(feed.read(run, 1, never));
  expect(seen.map(({ type }) => type)).toEqual(['run.started', 'run.completed']);
});
