import { describe, expect, test } from 'vitest';
import { createHandClock } from '../../tests/support/hand-clock.ts';
import { ServiceError } from '../platform/errors.ts';
import type { JournalEntries } from '../storage/port/index.ts';
import { createJournal } from './journal.ts';

/** A journal over a store that answers when the test says so. */
function openJournal() {
  const writes: { entries: JournalEntries; answer: (accepted: boolean) => void; fail: (error: unknown) => void }[] = [];
  const published: number[] = [];
  const lost: unknown[] = [];
  const stopping = new AbortController();
  const clock = createHandClock();
  const journal = createJournal({
    attempt: 1,
    signal: stopping.signal,
    recorded: { steps: [], events: [] },
    append: (entries) => new Promise((answer, fail) => writes.push({ entries, answer, fail })),
    published: (events) => published.push(...events.map(({ seq }) => seq)),
    lost: (error) => lost.push(error),
    clock,
  });
  return { clock, journal, writes, published, lost, stopping };
}

const tick = () => new Promise((resolve) => setImmediate(resolve));
const seqs = ({ events }: JournalEntries) => events.map(({ seq }) => seq);
const started = { type: 'run.started', agent: 'a' } as const;

test('what happens in one tick is recorded together, and shown only then', async () => {
  const { journal, writes, published } = openJournal();
  journal.tell(started);
  journal.tell({ type: 'text.delta', step: 1, delta: 'x' });
  const durable = journal.flush();
  await tick();
  expect(writes.map(({ entries }) => seqs(entries))).toEqual([[2, 3]]);
  expect(published).toEqual([]);
  writes[0]?.answer(true);
  await durable;
  expect(published).toEqual([2, 3]);
});

test('one write is under way at a time, and what comes meanwhile follows it', async () => {
  const { journal, writes } = openJournal();
  journal.tell(started);
  await tick();
  journal.tell({ type: 'text.delta', step: 1, delta: 'x' });
  await tick();
  expect(writes).toHaveLength(1);
  writes[0]?.answer(true);
  await tick();
  expect(writes.map(({ entries }) => seqs(entries))).toEqual([[2], [3]]);
  writes[1]?.answer(true);
});

test('the end of a run takes with it what is not recorded yet, after the write that is under way', async () => {
  const { journal, writes } = openJournal();
  journal.tell(started);
  await tick();
  journal.tell({ type: 'text.delta', step: 1, delta: 'x' });
  const closing = journal.close({ type: 'run.completed' });
  writes[0]?.answer(true);
  expect(seqs(await closing)).toEqual([3, 4]);
  await tick();
  expect(writes).toHaveLength(1);
});

test('nothing may begin in a run that has ended', async () => {
  const { journal, writes, lost } = openJournal();
  await journal.close({ type: 'run.completed' });
  journal.tell(started);
  await expect(journal.flush()).rejects.toThrow();
  await tick();
  expect([writes, lost]).toEqual([[], []]);
});

test('a write that is refused stops the run, and nothing is recorded or shown after it', async () => {
  const { journal, writes, published, lost } = openJournal();
  journal.tell(started);
  const durable = journal.flush();
  await tick();
  writes[0]?.answer(false);
  await expect(durable).rejects.toMatchObject({ reason: 'lease_lost' });
  journal.tell(started);
  await expect(journal.flush()).rejects.toMatchObject({ reason: 'lease_lost' });
  expect(published).toEqual([]);
  expect(lost.length).toBeGreaterThan(0);
  expect(writes).toHaveLength(1);
});

describe('a store that cannot be reached', () => {
  const away = () => new ServiceError('store_unavailable', {});

  test('is tried until it takes what is to be recorded, however long that is, and nothing overtakes it', async () => {
    const { journal, writes, published, lost, clock } = openJournal();
    journal.tell(started);
    const durable = journal.flush();
    await tick();
    for (let n = 0; n < 100; n += 1) {
      writes[n]?.fail(away());
      journal.tell({ type: 'text.delta', step: 1, delta: 'x' });
      await clock.advance(1_000);
      expect(seqs(writes[n + 1]?.entries as JournalEntries)).toEqual([2]);
    }
    writes[100]?.answer(true);
    await tick();
    expect(published).toEqual([2]);
    writes[101]?.answer(true);
    await durable;
    expect(published).toEqual(Array.from({ length: 101 }, (_, n) => n + 2));
    expect(lost).toEqual([]);
  });

  test('does not make the end of a run leave out what it did not take', async () => {
    const { journal, writes, clock } = openJournal();
    journal.tell(started);
    await tick();
    writes[0]?.fail(away());
    await tick();
    const closing = journal.close({ type: 'run.completed' });
    await clock.advance(0);
    expect(seqs(await closing)).toEqual([2, 3]);
    expect(writes).toHaveLength(1);
  });

  test('is not waited for once the run has to stop, and what it did not take comes before what follows', async () => {
    const { journal, writes, lost, clock, stopping } = openJournal();
    journal.tell(started);
    const durable = journal.flush();
    await tick();
    stopping.abort();
    writes[0]?.fail(away());
    await expect(durable).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(lost.length).toBeGreaterThan(0);
    journal.tell({ type: 'text.delta', step: 1, delta: 'x' });
    await clock.advance(0);
    expect(seqs(writes[1]?.entries as JournalEntries)).toEqual([2, 3]);
    writes[1]?.answer(true);
    expect(seqs(await journal.close(null))).toEqual([]);
  });
});
