import { createDurability, type Disk, type Waiting } from './durability.ts';
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

/** When an operation is done, and who is told what of it. */
export type Telling<T> = {
  /** Called once it is committed, though a power cut may still take it: nothing of it may be shown to anybody for that. */
  committed?(result: T): void;
  /** Called once it is durable, before the promise resolves. */
  durable?(): void;
  /** Whether it is committed in this tick, with all that is pending. Defaults to its group's turn. */
  urgent?: boolean;
  /** What its promise waits for. Only what a power cut may take need not be `durable`, which is the default. */
  settles?: 'committed' | 'durable';
};

type Pending = Waiting & { work(): void };

/** Operations in one transaction. More would let one commit hold the event loop for too long. */
const batchMax = 200;

/** Turns of the event loop for which a group waits at most, as long as each brings more. */
const turnsMax = 5;

/** Operations that may wait for their commit. Far more than one tick of a process brings. */
const pendingMax = 20_000;

const nobody = () => {};

/**
 * Commits in groups: the operations that arrive in one turn of the event loop, or in a few where each brings more, or
 * while the disk is at work for the group before, share one transaction, and so one wait for the disk; what follows from
 * them then happens together, too, which takes less of the processor. One that throws is undone and rejected alone: then
 * the group is done anew, with a savepoint for each. Not at once, since savepoints have SQLite keep a copy of each page
 * that an operation touches. A promise settles only after its group is durable, unless it is said otherwise.
 *
 * What is urgent waits neither for a turn nor for the disk that is at work: it is committed, and has the next wait for
 * the disk, with all that is committed by then.
 *
 * @param disk what a commit has to be on to be durable; null if it is already
 * @param lost told once if the disk fails; nothing is done from then on
 */
export function createGroupCommit(transactions: Transactions, disk: Disk | null, lost: (error: Error) => void) {
  const durability = createDurability(disk, lost);
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

  const goOn = () => {
    if (pending.length > 0) schedule();
  };

  const flushPending = () => {
    const group = commitNext();
    if (group === null) goOn();
    else durability.harden(group, goOn);
  };

  const flushNext = () => {
    scheduled = false;
    flushPending();
  };

  /** Does one operation; returns what has to be told once the group is committed. */
  const attempt = ({ work, committed, done, fail }: Pending): Waiting => {
    transactions.savepoint();
    try {
      work();
      transactions.release();
      return { committed, done, fail };
    } catch (error) {
      if (!transactions.isOpen()) throw error;
      transactions.undo();
      return { committed: nobody, done: () => fail(toOperationError(error)), fail };
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
  const perform = (batch: Pending[]): Waiting[] => {
    transactions.begin();
    if (attemptAll(batch)) return batch;
    transactions.begin();
    return batch.map(attempt);
  };

  /** Commits the next group; null if it could not be, which has been told, or if there is none. */
  const commitNext = (): Waiting[] | null => {
    const batch = pending.slice(0, batchMax);
    pending = pending.slice(batchMax);
    if (batch.length === 0) return null;
    try {
      const failed = durability.failure();
      if (failed !== null) throw failed;
      const group = perform(batch);
      transactions.commit();
      return group;
    } catch (error) {
      for (const { fail } of batch) fail(unavailable(error));
      rollBack();
      return null;
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
     *
     * @throws {ServiceError} `store_unavailable`
     */
    add<T>(work: () => T, { committed, durable, urgent, settles = 'durable' }: Telling<T> = {}): Promise<T> {
      if (pending.length >= pendingMax) return Promise.reject(unavailable(new Error('too many writes are pending')));
      return new Promise<T>((resolve, reject) => {
        let result: T;
        pending.push({
          work: () => {
            result = work();
          },
          committed: () => {
            committed?.(result);
            if (settles === 'committed') resolve(result);
          },
          done: () => {
            durable?.();
            resolve(result);
          },
          fail: reject,
        });
        if (urgent === true) queueMicrotask(flushPending);
        else if (!durability.isBusy()) schedule();
      });
    },

    /** Resolves once all that is committed at this moment is durable; null if it is. */
    whenDurable: durability.whenDurable,

    /** Commits everything that is pending, and has it durable, now. */
    flush(): void {
      durability.finish();
      while (pending.length > 0) {
        const group = commitNext();
        if (group !== null) durability.hardenNow(group);
      }
    },
  };
}

/** What {@link createGroupCommit} makes. */
export type GroupCommit = ReturnType<typeof createGroupCommit>;
