import { expect, test } from 'vitest';
import type { Clock } from '../platform/clock.ts';
import { createEventLog } from './event-log.ts';
import type { RunEvent } from './events.ts';

/** A clock whose sleepers wake when the test says so. */
function manualClock() {
  let sleepers: (() => void)[] = [];
  const clock: Clock = {
    nowMs: () => 1_750_000_000_000,
    monotonicMs: () => 0,
    sleep: () => new Promise((resolve) => sleepers.push(resolve)),
  };
  const wake = async () => {
    const woken = sleepers;
    sleepers = [];
    for (const resume of woken) resume();
    await Promise.resolve();
  };
  return { clock, wake };
}

function openLog(simulated = false) {
  const { clock, wake } = manualClock();
  return { log: createEventLog({ runId: 'run_1', attempt: 1, simulated, clock }), wake };
}

const ended = { type: 'run.failed', run: {} as never } as const;

async function all(log: ReturnType<typeof openLog>['log'], after = 0): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  for await (const event of log.read(after)) events.push(event);
  return events;
}

const deltas = (events: RunEvent[]) => events.flatMap((event) => (event.type === 'text.delta' ? [event.delta] : []));

test('events are numbered from 1 without gaps, and a reader can start after any of them', async () => {
  const { log } = openLog();
  log.append({ type: 'run.started', agent: 'a' });
  log.append({ type: 'handoff', from: 'a', to: 'b' });
  log.append(ended);
  expect((await all(log)).map(({ seq }) => seq)).toEqual([1, 2, 3]);
  expect((await all(log, 2)).map(({ type }) => type)).toEqual(['run.failed']);
});

test('the first text of a step is shown at once, what follows shares an event, and nothing is lost', async () => {
  const { log, wake } = openLog();
  for (const text of ['It ', 'left ', 'today', '.']) log.appendText(1, text);
  expect(log.lastSeq()).toBe(1);
  await wake();
  expect(log.lastSeq()).toBe(2);
  log.append(ended);
  expect(deltas(await all(log))).toEqual(['It ', 'left today.']);
});

test('text that waits to be coalesced is numbered before the event that follows it', async () => {
  const { log } = openLog();
  log.appendText(1, 'a');
  log.appendText(1, 'b');
  log.append(ended);
  expect((await all(log)).map(({ type }) => type)).toEqual(['text.delta', 'text.delta', 'run.failed']);
});

test('text of 1 KiB does not wait', () => {
  const { log } = openLog();
  log.appendText(1, 'a');
  log.appendText(1, 'b'.repeat(1024));
  expect(log.lastSeq()).toBe(2);
});

test('text of two steps never shares an event', async () => {
  const { log } = openLog();
  log.appendText(1, 'a');
  log.appendText(1, 'b');
  log.appendText(2, 'c');
  log.append(ended);
  const steps = (await all(log)).flatMap((event) => (event.type === 'text.delta' ? [[event.step, event.delta]] : []));
  expect(steps).toEqual([
    [1, 'a'],
    [1, 'b'],
    [2, 'c'],
  ]);
});

test('several viewers each see every event once, also those who come later', async () => {
  const { log } = openLog();
  log.append({ type: 'run.started', agent: 'a' });
  const early = all(log);
  const late = all(log, 1);
  log.append({ type: 'handoff', from: 'a', to: 'b' });
  log.append(ended);
  expect((await early).map(({ seq }) => seq)).toEqual([1, 2, 3]);
  expect((await late).map(({ seq }) => seq)).toEqual([2, 3]);
});

test('a reader ends quietly when its viewer goes away, and when the process does', async () => {
  const { log } = openLog();
  log.append({ type: 'run.started', agent: 'a' });
  const gone = new AbortController();
  const reader = log.read(1, gone.signal);
  const next = reader.next();
  gone.abort();
  expect((await next).done).toBe(true);
  const waiting = all(log);
  log.close();
  expect(await waiting).toHaveLength(1);
});

test('every event of a simulated run says so', async () => {
  const { log } = openLog(true);
  log.append({ type: 'run.started', agent: 'a' });
  log.append(ended);
  expect((await all(log)).map((event) => event.simulated)).toEqual([true, true]);
});
