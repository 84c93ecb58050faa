import type { Waiter } from './durability.ts';
import { toOperationError } from './errors.ts';

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

/** An operation that is to be committed. */
export type Pending = Waiter & { work(): void };

const noop = () => {};

/**
 * Does all operations of a batch in one transaction and commits it. An operation that throws is undone and rejected
 * alone: the batch is then done once more, with a savepoint for each operation. The first try has no savepoints, since
 * with them SQLite keeps a copy of each page that an operation changes.
 *
 * Returns the callbacks to call after the commit. Throws if the transaction fails as a whole.
 */
export function commitBatch(transactions: Transactions, batch: Pending[]): Waiter[] {
  transactions.begin();
  if (doAll(transactions, batch)) {
    transactions.commit();
    return batch;
  }
  transactions.begin();
  const group = batch.map((pending) => doOne(transactions, pending));
  transactions.commit();
  return group;
}

/** Does all operations; false, and none is done, if one of them throws. */
function doAll(transactions: Transactions, batch: Pending[]): boolean {
  try {
    for (const { work } of batch) work();
    return true;
  } catch (error) {
    if (!transactions.isOpen()) throw error;
    transactions.rollback();
    return false;
  }
}

/** Does one operation within a savepoint; returns the callbacks to call once the transaction is committed. */
function doOne(transactions: Transactions, { work, committed, durable, fail }: Pending): Waiter {
  transactions.savepoint();
  try {
    work();
    transactions.release();
    return { committed, durable, fail };
  } catch (error) {
    if (!transactions.isOpen()) throw error;
    transactions.undo();
    return { committed: noop, durable: () => fail(toOperationError(error)), fail };
  }
}

/** Rolls back the transaction that is open, if one is. */
export function rollBack(transactions: Transactions): void {
  try {
    if (transactions.isOpen()) transactions.rollback();
  } catch {
    // The batch has been rejected, and so will the next one be: it cannot begin while this transaction is open.
  }
}
