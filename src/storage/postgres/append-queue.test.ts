import { describe, expect, test } from 'vitest';
import { type Append, type AppendBatch, createAppendQueue } from './append-queue.ts';
import { rowsMax } from './grouped-writes.ts';

const append = (runId: string, overrides: { attempt?: number; steps?: number[]; events?: number[] } = {}): Append => ({
  tenantId: 'tenant-a',
  runId,
  attempt: overrides.attempt ?? 1,
  steps: new Map((overrides.steps ?? []).map((step) => [step, `${step}`])),
  events: new Map((overrides.events ?? []).map((seq) => [seq, `${seq}`])),
  chars: 10,
});

const seqs = (from: number, count: number) => Array.from({ length: count }, (_, n) => from + n);

/** A queue whose writes wait until the test lets them go on. */
function heldQueue(fail: (batch: AppendBatch) => Error | null = () => null) {
  const batches: AppendBatch[] = [];
  const held: (() => void)[] = [];
  let wake = () => {};
  const queue = createAppendQueue(
    async (batch) => {
      batches.push(batch);
      await new Promise<void>((resolve) => {
        held.push(resolve);
        wake();
      });
      const error = fail(batch);
      if (error) throw error;
      return new Set(batch.map(({ runId }) => runId).filter((id) => !id.startsWith('stale')));
    },
    (error) => (error as Error).message === 'unavailable',
  );
  const begun = async () => {
    while (held.length === 0) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  return {
    queue,
    batches,
    idsOf: () => batches.map((batch) => batch.map(({ runId }) => runId)),
    begun,
    /** Lets the next write go on, when it has begun. */
    async letOneGo(): Promise<void> {
      await begun();
      held.shift()?.();
    },
  };
}

describe('appends', () => {
  test('of one tick share a write; those that arrive while it is running share the next one', async () => {
    const { queue, idsOf, letOneGo } = heldQueue();
    const first = [queue.add(append('a')), queue.add(append('b'))];
    await letOneGo();
    const second = [queue.add(append('c')), queue.add(append('d')), queue.add(append('a'))];
    await letOneGo();
    expect(await Promise.all([...first, ...second])).toEqual([true, true, true, true, true]);
    expect(idsOf()).toEqual([
      ['a', 'b'],
      ['c', 'd', 'a'],
    ]);
    await queue.written();
  });

  test('never have two writes under way', async () => {
    const { queue, batches, begun, letOneGo } = heldQueue();
    const first = queue.add(append('a'));
    await begun();
    const others = [queue.add(append('b')), queue.add(append('c'))];
    await new Promise((resolve) => setImmediate(resolve));
    expect(batches).toHaveLength(1);
    await letOneGo();
    await first;
    await letOneGo();
    await Promise.all(others);
    expect(batches).toHaveLength(2);
  });

  test('each get whether their run was at its attempt', async () => {
    const { queue, letOneGo } = heldQueue();
    const told = Promise.all([queue.add(append('a')), queue.add(append('stale-b')), queue.add(append('c'))]);
    await letOneGo();
    expect(await told).toEqual([true, false, true]);
  });

  test('are no more rows in one write than the limit, but for one that is larger by itself', async () => {
    const { queue, idsOf, letOneGo } = heldQueue();
    const half = seqs(2, rowsMax / 2);
    const told = Promise.all([
      queue.add(append('large', { events: seqs(2, rowsMax + 1) })),
      queue.add(append('a', { events: half })),
      queue.add(append('b', { steps: half })),
      queue.add(append('c', { events: [2] })),
    ]);
    for (let n = 0; n < 3; n += 1) await letOneGo();
    await told;
    expect(idsOf()).toEqual([['large'], ['a', 'b'], ['c']]);
  });

  test('of one run at two attempts, or with one event twice, are two writes', async () => {
    const { queue, idsOf, letOneGo } = heldQueue();
    const told = Promise.all([
      queue.add(append('a', { events: [2] })),
      queue.add(append('a', { attempt: 2, events: [3] })),
      queue.add(append('b', { events: [2] })),
      queue.add(append('b', { events: [2] })),
    ]);
    for (let n = 0; n < 3; n += 1) await letOneGo();
    await told;
    expect(idsOf()).toEqual([['a'], ['a', 'b'], ['b']]);
  });

  test('that fail together are tried one by one, and only what is at fault fails', async () => {
    const { queue, idsOf, letOneGo } = heldQueue((batch) =>
      batch.some(({ runId }) => runId === 'bad') ? new Error('at fault') : null,
    );
    const told = Promise.allSettled([queue.add(append('a')), queue.add(append('bad')), queue.add(append('c'))]);
    for (let n = 0; n < 4; n += 1) await letOneGo();
    expect((await told).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(idsOf()).toEqual([['a', 'bad', 'c'], ['a'], ['bad'], ['c']]);
  });

  test('are not tried again when the database is at fault, and those that come later are tried', async () => {
    let down = true;
    const { queue, idsOf, letOneGo } = heldQueue(() => (down ? new Error('unavailable') : null));
    const told = Promise.allSettled([queue.add(append('a')), queue.add(append('b'))]);
    await letOneGo();
    expect((await told).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    down = false;
    const later = queue.add(append('a'));
    await letOneGo();
    expect(await later).toBe(true);
    expect(idsOf()).toEqual([['a', 'b'], ['a']]);
  });

  test('are refused while far too much waits, so that memory stays bounded', async () => {
    const { queue, letOneGo } = heldQueue();
    const huge = { ...append('a'), chars: 2 ** 30 };
    const first = queue.add(huge);
    await expect(queue.add(append('b'))).rejects.toMatchObject({ code: 'store_unavailable' });
    await letOneGo();
    expect(await first).toBe(true);
    const later = queue.add(append('b'));
    await letOneGo();
    expect(await later).toBe(true);
  });
});
