import { systemClock } from '../../platform/clock.ts';
import { unavailable } from './errors.ts';

/** The disk under a database whose commits do not wait for it. */
export type Disk = {
  /** Makes everything that is committed so far survive a power cut; calls `done` later, with the error if it failed. */
  sync(done: (error: Error | null) => void): void;
  /** The same, and blocks until it is done. Throws the error if it failed. */
  syncNow(): void;
};

/** The callbacks of a committed operation. */
export type Waiter = {
  /** Called at once, while a power cut may still undo the operation. */
  committed(): void;
  /** Called once the operation is durable. */
  durable(): void;
  /** Called if it is unknown whether the operation is durable. */
  fail(error: unknown): void;
};

/**
 * A group of at least so many operations blocks on the disk, unless the disk is slow, in ms: what arrives from the
 * network in the meantime is then read in one tick of the event loop and handled together. For a smaller group the event
 * loop goes on.
 */
const blockingMin = 4;
const slowMs = 1;

const noop = () => {};

/**
 * Makes committed operations durable (fsync). One sync runs at a time; what is committed during a sync shares the next
 * one. Without a disk every operation counts as durable at once.
 *
 * After a failed sync a disk may have lost data and still report success the next time
 * (https://wiki.postgresql.org/wiki/Fsync_Errors). So nothing is accepted after a failure, and `onDiskFailure` is called.
 */
export function createDurability(
  disk: Disk | null,
  onDiskFailure: (error: Error) => void,
  monotonicMs: () => number = systemClock.monotonicMs,
) {
  const results = createSyncResults(onDiskFailure);
  const background = disk && createBackgroundSync(disk, monotonicMs, results, onDiskFailure);

  const blockFor = (group: Waiter[]): void => {
    const startedMs = monotonicMs();
    let failure: Error | null = null;
    try {
      disk?.syncNow();
    } catch (error) {
      failure = error as Error;
    }
    results.blocked(group, failure, monotonicMs() - startedMs);
  };

  const makeDurableNow = (group: Waiter[]): void => {
    for (const waiter of group) waiter.committed();
    blockFor(group);
  };

  return {
    /** Whether a sync is running: operations that arrive during it share the next commit. */
    isBusy: (): boolean => background?.isBusy() ?? false,

    /** The error with which the disk failed; null while it has not. */
    failure: results.failure,

    /** Makes a group durable and notifies it, then calls `next`; both at once if that needs no wait. */
    makeDurable(group: Waiter[], next: () => void): void {
      if (background === null || (!background.isBusy() && group.length >= blockingMin && results.isFast())) {
        makeDurableNow(group);
        next();
        return;
      }
      background.add([...group, { committed: noop, durable: next, fail: next }]);
      for (const waiter of group) waiter.committed();
    },

    makeDurableNow,

    /** Blocks until everything that is committed is durable. */
    finish(): void {
      const group = background?.takeAll() ?? null;
      if (group !== null) blockFor(group);
    },

    /** Resolves once all that is committed at this moment is durable; null if it is. */
    whenDurable(): Promise<void> | null {
      const failure = results.failure();
      if (failure !== null) return Promise.reject(unavailable(failure));
      const last = background?.lastGroup() ?? null;
      if (last === null) return null;
      return new Promise((durable, fail) => void last.push({ committed: noop, durable, fail }));
    },
  };
}

/** Notifies groups of their syncs, and remembers whether the disk has failed and how long a sync takes at most. */
function createSyncResults(onDiskFailure: (error: Error) => void) {
  let failure: Error | null = null;
  let syncMs = 0;

  const notify = (group: Waiter[], error: Error | null): void => {
    failure ??= error;
    for (const waiter of group) {
      if (failure === null) waiter.durable();
      else waiter.fail(unavailable(failure));
    }
    if (failure !== null) onDiskFailure(failure);
  };

  return {
    failure: (): Error | null => failure,
    isFast: (): boolean => syncMs < slowMs,

    /** The result of a sync that blocked the event loop. */
    blocked(group: Waiter[], error: Error | null, tookMs: number): void {
      syncMs = tookMs;
      notify(group, error);
    },

    /** The result of a sync in the background; the event loop may have been late to read it. */
    done(group: Waiter[], error: Error | null, atMostMs: number): void {
      syncMs = Math.min(syncMs, atMostMs);
      notify(group, error);
    },
  };
}

type SyncResults = ReturnType<typeof createSyncResults>;

/**
 * Syncs of a disk that do not block the event loop, one at a time.
 *
 * @param results takes each group after its sync; after a failed one everything that was queued too
 * @param onLateFailure called if a sync fails whose group `takeAll` had taken: a later sync may not report that failure
 */
function createBackgroundSync(
  disk: Disk,
  monotonicMs: () => number,
  results: SyncResults,
  onLateFailure: (error: Error) => void,
) {
  let syncing: Waiter[] | null = null;
  let queued: Waiter[] = [];

  const takeQueued = (): Waiter[] => {
    const taken = queued;
    queued = [];
    return taken;
  };

  const start = (group: Waiter[]): void => {
    syncing = group;
    const startedMs = monotonicMs();
    disk.sync((error) => {
      if (syncing !== group) {
        if (error !== null) onLateFailure(error);
        return;
      }
      const tookMs = monotonicMs() - startedMs;
      syncing = null;
      const next = takeQueued();
      if (error === null && next.length > 0) start(next);
      results.done(error === null ? group : [...group, ...next], error, tookMs);
    });
  };

  return {
    isBusy: (): boolean => syncing !== null,

    /** Syncs for a group, or queues it for the next sync. */
    add(group: Waiter[]): void {
      if (syncing === null) start(group);
      else queued.push(...group);
    },

    /** Takes all groups out, so that the caller syncs for them; null if there are none. */
    takeAll(): Waiter[] | null {
      if (syncing === null) return null;
      const taken = [...syncing, ...takeQueued()];
      syncing = null;
      return taken;
    },

    /** The group that is synced last; null if there is none. */
    lastGroup: (): Waiter[] | null => (queued.length > 0 ? queued : syncing),
  };
}
