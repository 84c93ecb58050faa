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

/** A feed of a run that another process executes. It ends after the run and before its events are read. */
function createFeedOfEndingRun() {
  let stored = running;
  const store = {
    runs: { get: async () => stored },
    journal: {
      async events(_tenantId: string, _runId: string, afterSeq: number) {
        stored = completed;
        return events.filter(({ seq }) => seq > afterSeq);
      },
    },
    signals: { subscribe: () => () => {} },
  } as unknown as Store;
  return createEventFeed({ store, active: createActiveRuns(), clock: createFakeClock() });
}

describe('a run that ends in another process while it is read', () => {
  test('is shown in its last event as it ended', async () => {
    const read = await Array.fromAsync(createFeedOfEndingRun().read(running, 1, new AbortController().signal));
    expect(read.map(({ type }) => type)).toEqual(['run.started', 'run.completed']);
    expect(read.at(-1)).toMatchObject({ run: { status: 'completed', response: 'It left today.' } });
  });

  test('is shown as it ended in the list of its events', async () => {
    const listed = await createFeedOfEndingRun().stored(running, 0);
    expect(listed.map(({ type }) => type)).toEqual(['run.created', 'run.started', 'run.completed']);
    expect(listed.at(-1)).toMatchObject({ run: { status: 'completed', response: 'It left today.' } });
  });
});

/** A feed of a run that another process executes, and a way to delete the run from the store. */
function createFeedOfDeletedRun() {
  const run = newRun('blocking');
  let stored: Run | null = run;
  const store = {
    runs: { get: async () => stored },
    journal: { events: async () => [] },
    signals: { subscribe: () => () => {} },
  } as unknown as Store;
  const clock = createFakeClock();
  const feed = createEventFeed({ store, active: createActiveRuns(), clock });
  const deleteRun = async () => {
    stored = null;
    await clock.advance(1_000);
  };
  return { run, feed, deleteRun };
}

const never = new AbortController().signal;

test('a wait for the end of a run that is deleted meanwhile rejects with not_found', async () => {
  const { run, feed, deleteRun } = createFeedOfDeletedRun();
  const ended = feed.waitForEnd(run, never);
  await Promise.all([expect(ended).rejects.toMatchObject({ code: 'not_found' }), deleteRun()]);
});

test('the stream of a run that is deleted meanwhile ends', async () => {
  const { run, feed, deleteRun } = createFeedOfDeletedRun();
  const [events] = await Promise.all([Array.fromAsync(feed.read(run, 1, never)), deleteRun()]);
  expect(events).toEqual([]);
});

test('an event that is signalled while the events are read is shown at once, not at the next poll', async () => {
  const run = newRun('background');
  let recorded: StoredEvent[] = [];
  let emit = (_signal: Signal) => {};
  const store = {
    runs: { get: async () => (recorded.length > 0 ? completed : run) },
    journal: {
      async events(_tenantId: string, _runId: string, afterSeq: number) {
        const found = recorded.filter(({ seq }) => seq > afterSeq);
        if (recorded.length === 0) {
          recorded = events; // recorded just after the read, and signalled before the reader gets the empty result
          emit({ type: 'events', runId: run.id });
        }
        return found;
      },
    },
    signals: {
      subscribe(listener: typeof emit) {
        emit = listener;
        return () => {
          emit = () => {};
        };
      },
    },
  } as unknown as Store;
  const feed = createEventFeed({ store, active: createActiveRuns(), clock: createFakeClock() }); // this clock does not advance
  const seen = await Array.fromAsync(feed.read(run, 1, never));
  expect(seen.map(({ type }) => type)).toEqual(['run.started', 'run.completed']);
});

describe('a store that does not answer', () => {
  /** A feed whose store hangs. */
  function createHangingFeed() {
    const clock = createFakeClock();
    const run: Run = { ...running, createdAtMs: clock.nowMs(), timeoutMs: 8_000 };
    const hang = () => new Promise<never>(() => {});
    const store = { runs: { get: hang }, journal: { events: hang }, signals: { subscribe: () => () => {} } };
    return {
      clock,
      run,
      feed: createEventFeed({ store: store as unknown as Store, active: createActiveRuns(), clock }),
    };
  }

  test('keeps who follows a run of another process no longer than the time of the run and a moment', async () => {
    const { clock, run, feed } = createHangingFeed();
    const next = feed.read(run, 0, new AbortController().signal).next();
    const refused = expect(next).rejects.toMatchObject({ code: 'store_unavailable', extras: { runId: run.id } });
    await clock.advance(10_000);
    await refused;
  });

  test('lets a follower go at once that disconnects or is told to come back', async () => {
    const { run, feed } = createHangingFeed();
    const left = new AbortController();
    const next = feed.read(run, 0, left.signal).next();
    left.abort();
    expect(await next).toEqual({ value: undefined, done: true });
  });
});
