import { describe, expect, test } from 'vitest';
import { createGroupCommit } from './group-commit.ts';
import type { Transactions } from './transaction.ts';

/** A connection that records its transaction statements. */
function createRecorder({ failing = [] }: { failing?: string[] } = {}) {
  const statements: string[] = [];
  let isOpen = false;
  const record = (statement: string) => {
    statements.push(statement);
    if (failing.includes(statement)) throw new Error(`${statement} failed`);
  };
  const transactions: Transactions = {
    begin: () => {
      record('begin');
      if (isOpen) throw new Error('a transaction is open');
      isOpen = true;
    },
    commit: () => {
      record('commit');
      isOpen = false;
    },
    rollback: () => {
      record('rollback');
      isOpen = false;
    },
    savepoint: () => record('savepoint'),
    release: () => record('release'),
    undo: () => record('undo'),
    isOpen: () => isOpen,
  };
  const end = () => {
    isOpen = false;
  };
  return { statements, transactions, end };
}

const noop = () => {};

const throws = (message: string) => () => {
  throw new Error(message);
};

const unavailable = { name: 'ServiceError', code: 'store_unavailable' };

describe('group commit', () => {
  test('operations of one tick of the event loop share one commit', async () => {
    const { statements, transactions } = createRecorder();
    const commits = createGroupCommit(transactions, null, noop);
    const results = await Promise.all([1, 2, 3].map((n) => commits.add(() => n)));
    expect(results).toEqual([1, 2, 3]);
    expect(statements.filter((each) => each === 'commit')).toHaveLength(1);
    await commits.add(() => 4);
    expect(statements.filter((each) => each === 'commit')).toHaveLength(2);
  });

  test('an urgent operation waits for no tick, and commits what is pending with it', async () => {
    const { statements, transactions } = createRecorder();
    const commits = createGroupCommit(transactions, null, noop);
    const results = [commits.add(() => 1), commits.add(() => 2, { urgent: true })];
    expect(statements).toEqual([]);
    await Promise.resolve();
    expect(statements).toEqual(['begin', 'commit']);
    expect(await Promise.all(results)).toEqual([1, 2]);
    await commits.add(() => 3);
    expect(statements.filter((each) => each === 'commit')).toHaveLength(2);
  });

  test('an urgent operation whose commit fails is rejected, even if it would settle at the commit', async () => {
    const { transactions } = createRecorder({ failing: ['commit'] });
    const commits = createGroupCommit(transactions, null, noop);
    await expect(commits.add(() => 1, { urgent: true, settles: 'committed' })).rejects.toMatchObject(unavailable);
  });

  test('nothing is acknowledged before the commit', async () => {
    const { statements, transactions } = createRecorder();
    const commits = createGroupCommit(transactions, null, noop);
    const acknowledged = [commits.add(() => 1), commits.add(throws('no'))].map((promise) =>
      promise.then(
        () => [...statements],
        () => [...statements],
      ),
    );
    for (const before of await Promise.all(acknowledged)) expect(before.at(-1)).toBe('commit');
  });

  test('an operation that throws is undone and rejected alone, with its own error', async () => {
    const { statements, transactions } = createRecorder();
    const commits = createGroupCommit(transactions, null, noop);
    const settled = await Promise.allSettled([commits.add(() => 1), commits.add(throws('no')), commits.add(() => 3)]);
    expect(settled).toMatchObject([{ value: 1 }, { reason: { message: 'no' } }, { value: 3 }]);
    expect(statements).toEqual([
      ...['begin', 'rollback', 'begin'],
      ...['savepoint', 'release'],
      ...['savepoint', 'undo'],
      ...['savepoint', 'release'],
      'commit',
    ]);
  });

  test('operations of the following ticks share the commit while each tick brings more, for five ticks at most', async () => {
    const { statements, transactions } = createRecorder();
    const commits = createGroupCommit(transactions, null, noop);
    const added: Promise<number>[] = [];
    const nextTick = () => new Promise((resolve) => setImmediate(resolve));
    for (const n of [1, 2, 3, 4, 5, 6, 7]) {
      added.push(
        commits.add(() => n),
        commits.add(() => n),
      );
      await nextTick();
    }
    await Promise.all(added);
    expect(statements.filter((each) => each === 'commit')).toHaveLength(2);
  });

  test('a single operation waits for no second tick', async () => {
    const { statements, transactions } = createRecorder();
    const commits = createGroupCommit(transactions, null, noop);
    const alone = commits.add(() => 1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(statements).toEqual(['begin', 'commit']);
    expect(await alone).toBe(1);
  });

  test('the callbacks of an operation are called before its promise resolves, and not for one that fails', async () => {
    const { transactions } = createRecorder();
    const commits = createGroupCommit(transactions, null, noop);
    const order: string[] = [];
    const options = (what: string) => ({
      committed: () => void order.push(`${what} is committed`),
      durable: () => void order.push(`${what} is durable`),
    });
    const done = commits.add(() => 1, options('one'));
    const failed = commits.add(throws('no'), options('a failure'));
    await done.then(() => order.push('resolved'));
    await expect(failed).rejects.toThrow();
    expect(order).toEqual(['one is committed', 'one is durable', 'resolved']);
  });

  test('operations of which none throws have no savepoints', async () => {
    const { statements, transactions } = createRecorder();
    const commits = createGroupCommit(transactions, null, noop);
    await Promise.all([1, 2, 3].map((n) => commits.add(() => n)));
    expect(statements).toEqual(['begin', 'commit']);
  });

  for (const failing of ['begin', 'commit'] as const) {
    test(`when the ${failing} fails, nothing counts as done`, async () => {
      const { statements, transactions } = createRecorder({ failing: [failing] });
      const commits = createGroupCommit(transactions, null, noop);
      const settled = await Promise.allSettled([commits.add(() => 1), commits.add(throws('no'))]);
      expect(settled).toMatchObject([{ reason: unavailable }, { reason: unavailable }]);
      expect(statements.at(-1)).toBe(failing === 'begin' ? 'begin' : 'rollback');
    });
  }

  test('when the rollback fails too, operations are rejected until it works', async () => {
    const failing = ['commit', 'rollback'];
    const { statements, transactions } = createRecorder({ failing });
    const commits = createGroupCommit(transactions, null, noop);
    for (let n = 0; n < 2; n += 1) await expect(commits.add(() => n)).rejects.toMatchObject(unavailable);
    failing.length = 0;
    await expect(commits.add(() => 3)).rejects.toMatchObject(unavailable);
    expect(statements.slice(-2)).toEqual(['begin', 'rollback']);
    expect(await commits.add(() => 4)).toBe(4);
  });

  test('when the database itself rolls the transaction back, nothing counts as done', async () => {
    const { statements, transactions, end } = createRecorder();
    const commits = createGroupCommit(transactions, null, noop);
    const full = () => {
      end();
      throw new Error('disk full');
    };
    const settled = await Promise.allSettled([commits.add(() => 1), commits.add(full), commits.add(() => 3)]);
    expect(settled.map((each) => each.status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(settled[0]).toMatchObject({ reason: unavailable });
    expect(statements).not.toContain('commit');
    expect(await Promise.allSettled([commits.add(() => 4)])).toEqual([{ status: 'fulfilled', value: 4 }]);
  });

  test('many operations are committed in several groups, in order', async () => {
    const { statements, transactions } = createRecorder();
    const commits = createGroupCommit(transactions, null, noop);
    const order: number[] = [];
    await Promise.all(Array.from({ length: 450 }, (_, n) => commits.add(() => order.push(n))));
    expect(order).toEqual(Array.from({ length: 450 }, (_, n) => n));
    expect(statements.filter((each) => each === 'commit')).toHaveLength(3);
  });

  test('an operation beyond the limit of pending ones is rejected at once', async () => {
    const commits = createGroupCommit(createRecorder().transactions, null, noop);
    const accepted = Array.from({ length: 20_000 }, () => commits.add(() => 1));
    await expect(commits.add(() => 1)).rejects.toMatchObject(unavailable);
    commits.flush();
    expect(await Promise.all(accepted)).toHaveLength(20_000);
  });
});
