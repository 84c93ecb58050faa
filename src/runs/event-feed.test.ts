import { describe, expect, test } from 'vitest';
import { newRun } from '../../tests/support/execute-run.ts';
import { createHandClock } from '../../tests/support/hand-clock.ts';
import type { Run, Store, StoredEvent } from '../storage/port/index.ts';
import { createActiveRuns } from './active-run.ts';
import { createEventFeed } from './event-feed.ts';

const running: Run = { ...newRun('background'), attempt: 1 };
const completed: Run = { ...running, status: 'completed', response: 'It left today.', finishedAtMs: 5 };
const events: StoredEvent[] = [
  { seq: 2, type: 'run.started', attempt: 1, atMs: 1, data: { agent: 'main' } },
  { seq: 3, type: 'run.completed', attempt: 1, atMs: 5, data: {} },
];

/** A feed over a store in which a run, executed elsewhere, ends after it was looked at and before its events are. */
function createFeed() {
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
  return createEventFeed({ store, active: createActiveRuns(), clock: createHandClock() });
}

describe('a run that ends in another process while it is looked at', () => {
  test('is shown to its viewers as it ended, at once', async () => {
    const told = await Array.fromAsync(createFeed().read(running, 1, new AbortController().signal));
    expect(told.map(({ type }) => type)).toEqual(['run.started', 'run.completed']);
    expect(told.at(-1)).toMatchObject({ run: { status: 'completed', response: 'It left today.' } });
  });

  test('is shown as it ended in the list of its events', async () => {
    const listed = await createFeed().stored(running, 0);
    expect(listed.map(({ type }) => type)).toEqual(['run.created', 'run.started', 'run.completed']);
    expect(listed.at(-1)).toMatchObject({ run: { status: 'completed', response: 'It left today.' } });
  });
});
