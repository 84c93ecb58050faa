import { describe, expect, test } from 'vitest';
import { createFakeClock } from '../../../tests/support/fake-clock.ts';
import { ServiceError } from '../../platform/errors.ts';
import type { JournalEntries } from '../../storage/port/index.ts';
import { createJournal } from './journal.ts';

/** A journal over a store that answers when the test says so. */
function openJournal() {
  type Write = {
    entries: JournalEntries;
    early: boolean;
    answer: (accepted: boolean) => void;
    fail: (error: unknown) => void;
  };
  const writes: Write[] = [];
  const published: number[] = [];
  const lost: unknown[] = [];
  const stopping = new AbortController();
  const clock = createFakeClock();
  const journal = createJournal({
    attempt: 1,
    signal: stopping.signal,
    recorded: { steps: [], events: [] },
    append: (entries, early) => new Promise((answer, fail) => writes.push({ entries, early, answer, fail })),
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

describe('the first text of a step', () => {
  const text = (step: number, delta: string) => ({ type: 'text.delta', step, delta }) as const;
  const call = { key: 'm::0', kind: 'model_call', scope: '', name: 'gpt-4.1', agent: 'a', callId: null } as const;
  const start = { ...call, effect: null, input: null };

  /** Whether each write of what happens in one tick may be early. */
  async function writesOf(work: (journal: ReturnType<typeof openJournal>['journal']) => void): Promise<boolean[]> {
    const { journal, writes } = openJournal();
    work(journal);
    await tick();
    writes[0]?.answer(true);
    await tick();
    return writes.map(({ early }) => early);
  }

  test('may be shown early, and what follows it may not', async () => {
    const { journal, writes } = openJournal();
    journal.tellFirstText(text(1, 'x'));
    await tick();
    journal.tell(text(1, 'y'));
    writes[0]?.answer(true);
    await tick();
    expect(writes.map(({ early }) => early)).toEqual([true, false]);
    writes[1]?.answer(true);
  });

  test('may not if anything is recorded with it: a power cut could take that too', async () => {
    expect(
      await writesOf((journal) => {
        journal.tell(started);
        journal.tellFirstText(text(1, 'x'));
      }),
    ).toEqual([false]);
    expect(
      await writesOf((journal) => {
        journal.tellFirstText(text(1, 'x'));
        journal.record(start, 1, 0, { status: 'completed' });
      }),
    ).toEqual([false]);
  });

  test('may not unless its step is the one after the last that is recorded: a store knows of no other', async () => {
    expect(await writesOf((journal) => journal.tellFirstText(text(2, 'x')))).toEqual([false]);
  });

  test('may again at the next step, once the one before is recorded', async () => {
    const { journal, writes } = openJournal();
    journal.tellFirstText(text(1, 'x'));
    await tick();
    writes[0]?.answer(true);
    await tick();
    journal.record(start, journal.stepNumber('m::0'), 0, { status: 'completed' });
    await tick();
    writes[1]?.answer(true);
    await tick();
    journal.tellFirstText(text(2, 'y'));
    await tick();
    writes[2]?.answer(true);
    expect(writes.map(({ early }) => early)).toEqual([true, false, true]);
  });

  test('is early again when the store could not take it at first', async () => {
    const { journal, writes, clock } = openJournal();
    journal.tellFirstText(text(1, 'x'));
    await tick();
    writes[0]?.fail(new ServiceError('store_unavailable', {}));
    await clock.advance(1_000);
    writes[1]?.answer(true);
    expect(writes.map(({ entries, early }) => [seqs(entries), early])).toEqual([
      [[2], true],
      [[2], true],
    ]);
  });
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
