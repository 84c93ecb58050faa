import { expect, test } from 'vitest';
import type { RunEvent } from './events.ts';
import { createLiveEventLog, type LiveEvent } from './live-event-log.ts';

const event = (seq: number, type: RunEvent['type'] = 'handoff'): LiveEvent => ({
  seq,
  type,
  show: () => ({ type, seq, run_id: 'run_1', at: '', attempt: 1, from: 'a', to: 'b', ordinal: 1 }) as RunEvent,
});

async function all(log: ReturnType<typeof createLiveEventLog>, after = 0): Promise<number[]> {
  const seen: number[] = [];
  for await (const { seq } of log.read(after)) seen.push(seq);
  return seen;
}

test('a reader can start after any event, and ends after the last one of the run', async () => {
  const log = createLiveEventLog();
  log.publish([event(1), event(2), event(3, 'run.completed')]);
  expect(await all(log)).toEqual([1, 2, 3]);
  expect(await all(log, 2)).toEqual([3]);
});

test('a log that begins in the middle of a run has the number of its first event', async () => {
  const log = createLiveEventLog();
  expect(log.firstSeq()).toBe(Number.POSITIVE_INFINITY);
  log.publish([event(7), event(8, 'run.failed')]);
  expect(log.firstSeq()).toBe(7);
  expect(await all(log, 7)).toEqual([8]);
});

test('several viewers each see every event once, also viewers that begin later', async () => {
  const log = createLiveEventLog();
  log.publish([event(1)]);
  const early = all(log);
  const late = all(log, 1);
  log.publish([event(2)]);
  log.publish([event(3, 'run.completed')]);
  expect(await early).toEqual([1, 2, 3]);
  expect(await late).toEqual([2, 3]);
});

test('a reader ends without an error when its viewer disconnects and when the log is closed', async () => {
  const log = createLiveEventLog();
  log.publish([event(1)]);
  const disconnected = new AbortController();
  const reader = log.read(1, disconnected.signal);
  const next = reader.next();
  disconnected.abort();
  expect((await next).done).toBe(true);
  const waiting = all(log);
  log.close();
  expect(await waiting).toEqual([1]);
});
