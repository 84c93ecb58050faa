import { createDurability, type Disk, type Waiter } from './durability.ts';
import { unavailable } from './errors.ts';
import { commitBatch, type Pending, rollBack, type Transactions } from './transaction.ts';

/** When an operation is committed, when its promise resolves, and what is called in between. */
export type WriteOptions<T> = {
  /** Called once it is committed. A power cut may still undo it: nothing of it may be shown to anybody yet. */
  committed?(result: T): void;
  /** Called once it is durable, before the promise resolves. */
  durable?(): void;
  /** Whether it is committed in this tick, with all that is pending. Defaults to false: with its group. */
  urgent?: boolean;
  /** What its promise waits for. `committed` is for what a power cut may undo. Defaults to `durable`. */
  settles?: 'committed' | 'durable';
};

/** Operations in one transaction. More would let one commit block the event loop for too long. */
const batchMax = 200;

/** Ticks of the event loop for which a group waits at most, as long as each brings more operations. */
const ticksMax = 5;

/** Operations that may wait for their commit. Far more than one tick of a process brings. */
const pendingMax = 20_000;

/**
 * Group commit: the operations that arrive in one tick of the event loop, or in a few where each brings more, or while
 * the disk syncs the group before, share one transaction and so one sync. What follows from them then happens together
 * too, which costs less CPU time. An operation that throws is rejected alone, see `commitBatch`. A promise settles only
 * after its group is durable, unless `settles` says otherwise.
 *
 * An urgent operation waits neither for a tick nor for the sync that is running: it is committed, and shares the next
 * sync with all that is committed by then.
 *
 * @param disk what has to be synced until a commit is durable; null if a commit is durable already
 * @param onFailure called once if the disk fails; every operation is rejected from then on
 */
export function createGroupCommit(transactions: Transactions, disk: Disk | null, onFailure: (error: Error) => void) {
  const durability = createDurability(disk, onFailure);
  let pending: Pending[] = [];

  /** Commits the next batch; null if there is none, or if it could not be committed and was rejected. */
  const commitNext = (): Waiter[] | null => {
    const batch = pending.slice(0, batchMax);
    pending = pending.slice(batchMax);
    if (batch.length === 0) return null;
    try {
      const failure = durability.failure();
      if (failure !== null) throw failure;
      return commitBatch(transactions, batch);
    } catch (error) {
      for (const { fail } of batch) fail(unavailable(error));
      rollBack(transactions);
      return null;
    }
  };

  const scheduleRest = (): void => {
    if (pending.length > 0) scheduleFlush();
  };

  const flushNext = (): void => {
    const group = commitNext();
    if (group === null) scheduleRest();
    else durability.makeDurable(group, scheduleRest);
  };

  const scheduleFlush = createFlushTimer(() => pending.length, flushNext);

  return {
    /**
     * Does `work` with the next group; if another operation throws, it is undone and done once more before the commit.
     *
     * @throws {ServiceError} `store_unavailable`
     */
    add<T>(work: () => T, options: WriteOptions<T> = {}): Promise<T> {
      if (pending.length >= pendingMax) return Promise.reject(unavailable(new Error('too many writes are pending')));
      return new Promise<T>((resolve, reject) => {
        pending.push(toPending(work, options, resolve, reject));
        if (options.urgent === true) queueMicrotask(flushNext);
        else if (!durability.isBusy()) scheduleFlush();
      });
    },

    /** Resolves once all that is committed at this moment is durable; null if it is. */
    whenDurable: durability.whenDurable,

    /** Commits everything that is pending and makes it durable, and blocks until that is done. */
    flush(): void {
      durability.finish();
      while (pending.length > 0) {
        const group = commitNext();
        if (group !== null) durability.makeDurableNow(group);
      }
    },
  };
}

/** What {@link createGroupCommit} makes. */
export type GroupCommit = ReturnType<typeof createGroupCommit>;

function toPending<T>(
  work: () => T,
  { committed, durable, settles = 'durable' }: WriteOptions<T>,
  resolve: (result: T) => void,
  reject: (error: unknown) => void,
): Pending {
  let result: T;
  return {
    work: () => {
      result = work();
    },
    committed: () => {
      committed?.(result);
      if (settles === 'committed') resolve(result);
    },
    durable: () => {
      durable?.();
      resolve(result);
    },
    fail: reject,
  };
}

/**
 * Returns a function that has `flush` called in the next tick, or some ticks later while each brings more operations:
 * what has arrived from the network is read in them, and often writes too. A single operation waits for one tick only,
 * since others may not come.
 */
function createFlushTimer(pendingCount: () => number, flush: () => void): () => void {
  let isScheduled = false;

  const waitForMore = (countBefore: number, tick: number): void => {
    setImmediate(() => {
      const count = pendingCount();
      if (count > countBefore && count < batchMax && tick < ticksMax) return waitForMore(count, tick + 1);
      isScheduled = false;
      flush();
    });
  };

  return () => {
    if (isScheduled) return;
    isScheduled = true;
    waitForMore(1, 1);
  };
}
