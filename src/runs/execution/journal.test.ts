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
    publish: (events) => published.push(...events.map(({ seq }) => seq)),
    lost: (error) => lost.push(error),
    clock,
  });
  return { clock, journal, writes, published, lost, stopping };
}

const tick = () => new Promise((resolve) => setImmediate(resolve));
const seqs = ({ events }: JournalEntries) => events.map(({ seq }) => seq);
const started = { type: 'run.started', agent: 'a' } as const;

test('entries of one tick are recorded together, and published only then', async () => {
  const { journal, writes, published } = openJournal();
  journal.emit(started);
  journal.emit({ type: 'text.delta', step: 1, delta: 'x' });
  const durable = journal.flush();
  await tick();
  expect(writes.map(({ entries }) => seqs(entries))).toEqual([[2, 3]]);
  expect(published).toEqual([]);
  writes[0]?.answer(true);
  await durable;
  expect(published).toEqual([2, 3]);
});

test('one write is in progress at a time, and entries that arrive meanwhile follow it', async () => {
  const { journal, writes } = openJournal();
  journal.emit(started);
  await tick();
  journal.emit({ type: 'text.delta', step: 1, delta: 'x' });
  await tick();
  expect(writes).toHaveLength(1);
  writes[0]?.answer(true);
  await tick();
  expect(writes.map(({ entries }) => seqs(entries))).toEqual([[2], [3]]);
  writes[1]?.answer(true);
});

test('the end of a run carries the entries that are not recorded yet, after the write in progress', async () => {
  const { journal, writes } = openJournal();
  journal.emit(started);
  await tick();
  journal.emit({ type: 'text.delta', step: 1, delta: 'x' });
  const closing = journal.close({ type: 'run.completed' });
  writes[0]?.answer(true);
  expect(seqs(await closing)).toEqual([3, 4]);
  await tick();
  expect(writes).toHaveLength(1);
});

test('nothing may begin in a run that has ended', async () => {
  const { journal, writes, lost } = openJournal();
  await journal.close({ type: 'run.completed' });
  journal.emit(started);
  await expect(journal.flush()).rejects.toThrow();
  await tick();
  expect([writes, lost]).toEqual([[], []]);
});

test('a write that is refused stops the run, and nothing is recorded or published after it', async () => {
  const { journal, writes, published, lost } = openJournal();
  journal.emit(started);
  const durable = journal.flush();
  await tick();
  writes[0]?.answer(false);
  await expect(durable).rejects.toMatchObject({ reason: 'lease_lost' });
  journal.emit(started);
  await expect(journal.flush()).rejects.toMatchObject({ reason: 'lease_lost' });
  expect(published).toEqual([]);
  expect(lost.length).toBeGreaterThan(0);
  expect(writes).toHaveLength(1);
});

describe('the first text of a step', () => {
  const text = (step: number, delta: string) => ({ type: 'text.delta', step, delta }) as const;
  const call = { key: 'm::0', kind: 'model_call', scope: '', name: 'gpt-4.1', agent: 'a', callId: null } as const;
  const start = { ...call, effect: null, input: null };

  /** Whether each write of the entries of one tick is early. */
  async function writesOf(work: (journal: ReturnType<typeof openJournal>['journal']) => void): Promise<boolean[]> {
    const { journal, writes } = openJournal();
    work(journal);
    await tick();
    writes[0]?.answer(true);
    await tick();
    return writes.map(({ early }) => early);
  }

  test('may be published early, and the text after it may not', async () => {
    const { journal, writes } = openJournal();
    journal.emitFirstText(text(1, 'x'));
    await tick();
    journal.emit(text(1, 'y'));
    writes[0]?.answer(true);
    await tick();
    expect(writes.map(({ early }) => early)).toEqual([true, false]);
    writes[1]?.answer(true);
  });

  test('may not be early if anything is recorded with it: a power cut could lose that too', async () => {
    expect(
      await writesOf((journal) => {
        journal.emit(started);
        journal.emitFirstText(text(1, 'x'));
      }),
    ).toEqual([false]);
    expect(
      await writesOf((journal) => {
        journal.emitFirstText(text(1, 'x'));
        journal.record(start, 1, 0, { status: 'completed' });
      }),
    ).toEqual([false]);
  });

  test('may not be early unless its step follows the last recorded one: a store assumes no other', async () => {
    expect(await writesOf((journal) => journal.emitFirstText(text(2, 'x')))).toEqual([false]);
  });

  test('may be early again at the next step, once the one before is recorded', async () => {
    const { journal, writes } = openJournal();
    journal.emitFirstText(text(1, 'x'));
    await tick();
    writes[0]?.answer(true);
    await tick();
    journal.record(start, journal.stepNumber('m::0'), 0, { status: 'completed' });
    await tick();
    writes[1]?.answer(true);
    await tick();
    journal.emitFirstText(text(2, 'y'));
    await tick();
    writes[2]?.answer(true);
    expect(writes.map(({ early }) => early)).toEqual([true, false, true]);
  });

  test('is early again when its first write failed', async () => {
    const { journal, writes, clock } = openJournal();
    journal.emitFirstText(text(1, 'x'));
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

describe('a store that is unavailable', () => {
  const unavailable = () => new ServiceError('store_unavailable', {});

  test('is retried until it takes the entries, however long that is, and later entries do not overtake them', async () => {
    const { journal, writes, published, lost, clock } = openJournal();
    journal.emit(started);
    const durable = journal.flush();
    await tick();
    for (let n = 0; n < 100; n += 1) {
      writes[n]?.fail(unavailable());
      journal.emit({ type: 'text.delta', step: 1, delta: 'x' });
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

  test('does not make the end of a run leave out the entries that it did not take', async () => {
    const { journal, writes, clock } = openJournal();
    journal.emit(started);
    await tick();
    writes[0]?.fail(unavailable());
    await tick();
    const closing = journal.close({ type: 'run.completed' });
    await clock.advance(0);
    expect(seqs(await closing)).toEqual([2, 3]);
    expect(writes).toHaveLength(1);
  });

  test('is not retried once the run has to stop, and the entries that it did not take precede later ones', async () => {
    const { journal, writes, lost, clock, stopping } = openJournal();
    journal.emit(started);
    const durable = journal.flush();
    await tick();
    stopping.abort();
    writes[0]?.fail(unavailable());
    await expect(durable).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(lost.length).toBeGreaterThan(0);
    journal.emit({ type: 'text.delta', step: 1, delta: 'x' });
    await clock.advance(0);
    expect(seqs(writes[1]?.entries as JournalEntries)).toEqual([2, 3]);
    writes[1]?.answer(true);
    expect(seqs(await journal.close(null))).toEqual([]);
  });
});
