import { describe, expect, test } from 'vitest';
import { createDurability, type Disk } from './durability.ts';
import { createGroupCommit } from './group-commit.ts';

/** A disk whose syncs the test completes; it records how each was asked for. */
function createManualDisk() {
  const asked: string[] = [];
  let answer = (_error: Error | null) => {};
  let failure: Error | null = null;
  const disk: Disk = {
    sync(done) {
      asked.push('sync');
      answer = done;
    },
    syncNow() {
      asked.push('sync now');
      if (failure !== null) throw failure;
    },
  };
  return {
    disk,
    asked,
    answer: (error: Error | null = null) => answer(error),
    fail: (error: Error) => {
      failure = error;
    },
  };
}

function createGroup(size: number) {
  const calls: string[] = [];
  const group = Array.from({ length: size }, () => ({
    committed: () => void calls.push('committed'),
    durable: () => void calls.push('durable'),
    fail: (error: unknown) => void calls.push(`failed: ${(error as { code: string }).code}`),
  }));
  return { group, calls };
}

/** A connection on which everything works. */
const transactions = {
  begin() {},
  commit() {},
  rollback() {},
  savepoint() {},
  release() {},
  undo() {},
  isOpen: () => false,
};

const broken = new Error('EIO: i/o error, fdatasync');
const unavailable = { code: 'store_unavailable', cause: broken };
const noop = () => {};
const nextTick = () => new Promise((resolve) => setImmediate(resolve));

describe('a committed operation', () => {
  test('counts as durable once the sync is done, and not before', () => {
    const { disk, answer } = createManualDisk();
    const { group, calls } = createGroup(1);
    let next = 0;
    createDurability(disk, noop).makeDurable(group, () => {
      next += 1;
    });
    expect([calls, next]).toEqual([['committed'], 0]);
    answer();
    expect([calls, next]).toEqual([['committed', 'durable'], 1]);
  });

  test('is not read before it is durable', async () => {
    const { disk, answer } = createManualDisk();
    const durability = createDurability(disk, noop);
    expect(durability.whenDurable()).toBeNull();
    const { group, calls } = createGroup(1);
    durability.makeDurable(group, noop);
    const read = durability.whenDurable()?.then(() => [...calls]);
    answer();
    expect(await read).toEqual(['committed', 'durable']);
    expect(durability.whenDurable()).toBeNull();
  });

  test('blocks on the disk if its group is large, and is notified in the same order', () => {
    const { disk, asked } = createManualDisk();
    const { group, calls } = createGroup(4);
    createDurability(disk, noop).makeDurable(group, noop);
    expect(asked).toEqual(['sync now']);
    expect(calls).toEqual([...Array(4).fill('committed'), ...Array(4).fill('durable')]);
  });

  test('does not block on a disk that is slow', () => {
    const { disk, asked, answer } = createManualDisk();
    let nowMs = 0;
    const slow: Disk = {
      ...disk,
      syncNow() {
        disk.syncNow();
        nowMs += 2;
      },
    };
    const durability = createDurability(slow, noop, () => nowMs);
    durability.makeDurable(createGroup(4).group, noop);
    durability.makeDurable(createGroup(4).group, noop);
    answer();
    expect(asked).toEqual(['sync now', 'sync']);
  });

  test('is durable when the database has closed, and is notified once', () => {
    const { disk, asked, answer } = createManualDisk();
    const durability = createDurability(disk, noop);
    const { group, calls } = createGroup(1);
    durability.makeDurable(group, noop);
    durability.finish();
    answer();
    expect(asked).toEqual(['sync', 'sync now']);
    expect(calls).toEqual(['committed', 'durable']);
  });
});

describe('an operation that is committed during a sync', () => {
  test('is durable after the next sync, together with all that is committed by then', () => {
    const { disk, asked, answer } = createManualDisk();
    const durability = createDurability(disk, noop);
    const [first, second, third] = [createGroup(1), createGroup(4), createGroup(1)];
    const next: string[] = [];
    durability.makeDurable(first.group, () => next.push('first'));
    durability.makeDurable(second.group, () => next.push('second'));
    durability.makeDurable(third.group, () => next.push('third'));
    expect([second.calls, third.calls]).toEqual([Array(4).fill('committed'), ['committed']]);
    expect(asked).toEqual(['sync']);
    answer();
    expect([first.calls.at(-1), second.calls.at(-1), third.calls.at(-1)]).toEqual([
      'durable',
      'committed',
      'committed',
    ]);
    expect([asked, next]).toEqual([['sync', 'sync'], ['first']]);
    answer();
    expect([second.calls.at(-1), third.calls.at(-1)]).toEqual(['durable', 'durable']);
    expect([durability.isBusy(), next]).toEqual([false, ['first', 'second', 'third']]);
  });

  test('is not read before that sync', async () => {
    const { disk, answer } = createManualDisk();
    const durability = createDurability(disk, noop);
    const { group, calls } = createGroup(1);
    durability.makeDurable(createGroup(1).group, noop);
    durability.makeDurable(group, noop);
    const read = durability.whenDurable()?.then(() => [...calls]);
    answer();
    await nextTick();
    answer();
    expect(await read).toEqual(['committed', 'durable']);
  });

  test('is durable when the database has closed', () => {
    const { disk, asked } = createManualDisk();
    const durability = createDurability(disk, noop);
    const groups = [createGroup(1), createGroup(1)];
    for (const { group } of groups) durability.makeDurable(group, noop);
    durability.finish();
    expect(asked).toEqual(['sync', 'sync now']);
    expect(groups.map(({ calls }) => calls)).toEqual(Array(2).fill(['committed', 'durable']));
  });

  test('fails with that sync if the disk fails', () => {
    const { disk, asked, answer } = createManualDisk();
    const failures: Error[] = [];
    const durability = createDurability(disk, (error) => failures.push(error));
    const groups = [createGroup(1), createGroup(1)];
    for (const { group } of groups) durability.makeDurable(group, noop);
    answer(broken);
    expect(groups.map(({ calls }) => calls.at(-1))).toEqual(Array(2).fill('failed: store_unavailable'));
    expect([asked, failures]).toEqual([['sync'], [broken]]);
  });
});

describe('when the disk fails', () => {
  test('no operation counts as durable, and none is accepted from then on', async () => {
    const { disk, answer } = createManualDisk();
    const failures: Error[] = [];
    const commits = createGroupCommit(transactions, disk, (error) => failures.push(error));
    const first = commits.add(() => 1);
    await nextTick();
    const second = commits.add(() => 2);
    const read = commits.whenDurable();
    const settled = Promise.allSettled([first, second, read]);
    answer(broken);
    for (const each of await settled) expect(each).toMatchObject({ status: 'rejected', reason: unavailable });
    await expect(commits.add(() => expect.unreachable())).rejects.toMatchObject(unavailable);
    await expect(commits.whenDurable()).rejects.toMatchObject(unavailable);
    expect(failures).toEqual([broken]);
  });

  test('in a sync that blocks, the outcome is the same', () => {
    const { disk, fail } = createManualDisk();
    fail(broken);
    const failures: Error[] = [];
    const { group, calls } = createGroup(4);
    const durability = createDurability(disk, (error) => failures.push(error));
    durability.makeDurable(group, noop);
    expect(calls.filter((each) => each !== 'committed')).toEqual(Array(4).fill('failed: store_unavailable'));
    expect([durability.failure(), failures]).toEqual([broken, [broken]]);
  });
});

test('a failed sync that a later one hides is reported all the same', () => {
  const { disk, answer } = createManualDisk();
  const failures: Error[] = [];
  const durability = createDurability(disk, (error) => failures.push(error));
  durability.makeDurable(createGroup(1).group, noop);
  durability.finish();
  answer(broken);
  expect(failures).toEqual([broken]);
});

describe('during a sync', () => {
  test('operations that arrive are committed together once it is done', async () => {
    const { disk, asked, answer } = createManualDisk();
    let begun = 0;
    const counting = {
      ...transactions,
      begin() {
        begun += 1;
      },
    };
    const commits = createGroupCommit(counting, disk, noop);
    const first = commits.add(() => 1);
    await nextTick();
    const others = [commits.add(() => 2)];
    await nextTick();
    others.push(commits.add(() => 3));
    await nextTick();
    expect([begun, asked]).toEqual([1, ['sync']]);
    answer();
    expect(await first).toBe(1);
    commits.flush();
    expect(await Promise.all(others)).toEqual([2, 3]);
    expect(begun).toBe(2);
  });

  test('an urgent operation is committed all the same, with all that is pending', async () => {
    const { disk, answer } = createManualDisk();
    const commits = createGroupCommit(transactions, disk, noop);
    const seen: string[] = [];
    const options = (name: string) => ({ committed: () => void seen.push(name) });
    const first = commits.add(() => 1, options('first'));
    await nextTick();
    const others = [
      commits.add(() => 2, options('second')),
      commits.add(() => 3, { ...options('third'), urgent: true }),
    ];
    await Promise.resolve();
    expect(seen).toEqual(['first', 'second', 'third']);
    answer();
    expect(await first).toBe(1);
    answer();
    expect(await Promise.all(others)).toEqual([2, 3]);
  });

  test('an operation that settles at its commit has its result then', async () => {
    const { disk, answer } = createManualDisk();
    const commits = createGroupCommit(transactions, disk, noop);
    const seen: string[] = [];
    const durable = () => void seen.push('durable');
    expect(await commits.add(() => 1, { durable, urgent: true, settles: 'committed' })).toBe(1);
    expect(seen).toEqual([]);
    answer();
    expect(seen).toEqual(['durable']);
  });

  test('the callback of a commit has the result before it is durable', async () => {
    const { disk, answer } = createManualDisk();
    const commits = createGroupCommit(transactions, disk, noop);
    const seen: string[] = [];
    const done = commits
      .add(() => 'result', { committed: (result) => void seen.push(`committed ${result}`) })
      .then(() => seen.push('durable'));
    await nextTick();
    expect(seen).toEqual(['committed result']);
    answer();
    await done;
    expect(seen).toEqual(['committed result', 'durable']);
  });
});
