import { toOperationError, unavailable } from './errors.ts';

/** The transaction statements of one connection. */
export type Transactions = {
  begin(): void;
  commit(): void;
  rollback(): void;
  savepoint(): void;
  release(): void;
  /** Undoes what was done since the savepoint, and removes it. */
  undo(): void;
  /** False once SQLite itself has rolled the transaction back, as it does when a disk is full. */
  isOpen(): boolean;
};

type Pending = { work: () => void; done: () => void; fail: (error: unknown) => void };

/** Operations in one transaction. More would let one commit hold the event loop for too long. */
const batchMax = 200;

/** Turns of the event loop for which a group waits at most, as long as each brings more. */
const turnsMax = 5;

/** Operations that may wait for their commit. Far more than one tick of a process brings. */
const pendingMax = 20_000;

/**
 * Commits in groups: the operations that arrive in one turn of the event loop, or in a few where each brings more, share
 * one transaction, and so one wait for the disk; what follows from them then happens together, too, which takes less of
 * the processor. One that throws is undone and rejected alone: then the group is done anew, with a savepoint for each.
 * Not at once, since savepoints have SQLite keep a copy of each page that an operation touches. A promise settles only
 * after the commit of its group.
 */
export function createGroupCommit(transactions: Transactions) {
  let pending: Pending[] = [];
  let scheduled = false;

  const schedule = () => {
    if (scheduled) return;
    scheduled = true;
    gather(1, 1);
  };

  /**
   * Waits for a turn, and for further ones while more comes: what has arrived from the network is read in them, and often
   * writes too. One that is alone does not wait for others that may not come.
   */
  const gather = (before: number, turn: number): void => {
    setImmediate(() => {
      if (pending.length > before && pending.length < batchMax && turn < turnsMax) gather(pending.length, turn + 1);
      else flushNext();
    });
  };

  const flushNext = () => {
    scheduled = false;
    flushBatch();
    if (pending.length > 0) schedule();
  };

  /** Does one operation; returns what has to be told once the group is committed. */
  const attempt = ({ work, done, fail }: Pending): (() => void) => {
    transactions.savepoint();
    try {
      work();
      transactions.release();
      return done;
    } catch (error) {
      if (!transactions.isOpen()) throw error;
      transactions.undo();
      return () => fail(toOperationError(error));
    }
  };

  /** Does all operations; false, and none is done, if one of them throws. */
  const attemptAll = (batch: Pending[]): boolean => {
    try {
      for (const { work } of batch) work();
      return true;
    } catch (error) {
      if (!transactions.isOpen()) throw error;
      transactions.rollback();
      return false;
    }
  };

  /** Does a group up to its commit; returns what has to be told after that. */
  const perform = (batch: Pending[]): (() => void)[] => {
    transactions.begin();
    if (attemptAll(batch)) return batch.map(({ done }) => done);
    transactions.begin();
    return batch.map(attempt);
  };

  const flushBatch = () => {
    const batch = pending.slice(0, batchMax);
    pending = pending.slice(batchMax);
    if (batch.length === 0) return;
    try {
      const outcomes = perform(batch);
      transactions.commit();
      for (const tell of outcomes) tell();
    } catch (error) {
      for (const { fail } of batch) fail(unavailable(error));
      rollBack();
    }
  };

  const rollBack = () => {
    try {
      if (transactions.isOpen()) transactions.rollback();
    } catch {
      // Whoever waited has been told, and so will the next group be: it cannot begin while this transaction is open.
    }
  };

  return {
    /**
     * Does `work` in the next group; if another one throws, it is undone and done once more before the commit.
     * `committed` is called after that, before the promise resolves. Defaults to nothing.
     */
    add<T>(work: () => T, committed?: () => void): Promise<T> {
      if (pending.length >= pendingMax) return Promise.reject(unavailable(new Error('too many writes are pending')));
      return new Promise<T>((resolve, reject) => {
        let result: T;
        pending.push({
          work: () => {
            result = work();
          },
          done: () => {
            committed?.();
            resolve(result);
          },
          fail: reject,
        });
        schedule();
      });
    },
    /** Commits everything that is pending, now. */
    flush(): void {
      while (pending.length > 0) flushBatch();
    },
  };
}

/** What {@link createGroupCommit} makes. */
export type GroupCommit = ReturnType<typeof createGroupCommit>;
