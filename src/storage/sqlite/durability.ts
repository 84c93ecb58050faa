import { systemClock } from '../../platform/clock.ts';
import { unavailable } from './errors.ts';

/** The disk under a database whose commits do not wait for it. */
export type Disk = {
  /** Has everything that was committed so far outlast a power cut; `done` is called later, with what went wrong. */
  sync(done: (error: Error | null) => void): void;
  /** The same, and waits for it. Throws what went wrong. */
  syncNow(): void;
};

/** Somebody whose operation is committed. */
export type Waiting = {
  /** Called at once, when a power cut may still take it. */
  committed(): void;
  /** Called once it is durable. */
  done(): void;
  /** Called if nobody can know whether it is. */
  fail(error: unknown): void;
};

/**
 * From so many operations on a group waits for the disk where it is, unless the disk is slow, in ms: what arrives in the
 * meantime is then read in one turn of the event loop, and goes on together. With fewer, the loop has better things to do.
 */
const inPlaceMin = 4;
const slowMs = 1;

const nobody = () => {};

/**
 * Sees to it that what is committed is durable. The disk is at work for one group at a time; what is committed meanwhile
 * is the next. Without a disk everything is taken to be durable at once.
 *
 * A disk that failed may have lost what it had, and say the next time that all is well
 * (https://wiki.postgresql.org/wiki/Fsync_Errors). So nothing is done after that; `lost` is told.
 */
export function createDurability(
  disk: Disk | null,
  lost: (error: Error) => void,
  monotonicMs: () => number = systemClock.monotonicMs,
) {
  let underWay: Waiting[] | null = null;
  let following: Waiting[] = [];
  let failed: Error | null = null;
  /** How long the disk takes, as far as is known. */
  let diskMs = 0;

  function tell(group: Waiting[]): void {
    for (const each of group) {
      if (failed === null) each.done();
      else each.fail(unavailable(failed));
    }
    if (failed !== null) lost(failed);
  }

  function wait(group: Waiting[]): void {
    const startedMs = monotonicMs();
    try {
      disk?.syncNow();
    } catch (error) {
      failed = error as Error;
    }
    diskMs = monotonicMs() - startedMs;
    tell(group);
  }

  function hardenNow(group: Waiting[]): void {
    for (const each of group) each.committed();
    wait(group);
  }

  /** Ends the turn of the group that is under way: what was committed since is the rest. */
  function takeTurn(): { group: Waiting[]; rest: Waiting[] } {
    const turn = { group: underWay ?? [], rest: following };
    underWay = null;
    following = [];
    return turn;
  }

  function begin(own: Disk, group: Waiting[]): void {
    underWay = group;
    const startedMs = monotonicMs();
    own.sync((error) => {
      if (underWay !== group) {
        // Somebody could not wait, and it has been told. What failed here the next wait may have found to be well.
        if (error !== null) lost(error);
        return;
      }
      diskMs = Math.min(diskMs, monotonicMs() - startedMs); // at most: the event loop may have come late to this
      failed = error;
      const { rest } = takeTurn();
      if (error === null && rest.length > 0) begin(own, rest);
      tell(error === null ? group : [...group, ...rest]);
    });
  }

  return {
    /** Whether the disk is at work: what comes meanwhile does well to be one group. */
    isBusy: (): boolean => underWay !== null,

    /** What the disk failed with; null while it did not. */
    failure: (): Error | null => failed,

    /** Has a group told when it is durable, and calls `next` then, at once if that is so. */
    harden(group: Waiting[], next: () => void): void {
      const isBusy = underWay !== null;
      if (disk === null || (!isBusy && group.length >= inPlaceMin && diskMs < slowMs)) {
        hardenNow(group);
        next();
        return;
      }
      const all = [...group, { committed: nobody, done: next, fail: next }];
      if (isBusy) following.push(...all);
      else begin(disk, all);
      for (const each of group) each.committed();
    },

    hardenNow,

    /** Waits for what is under way. */
    finish(): void {
      if (underWay === null) return;
      const { group, rest } = takeTurn();
      wait([...group, ...rest]);
    },

    /** Resolves once all that is committed at this moment is durable; null if it is. */
    whenDurable(): Promise<void> | null {
      if (failed !== null) return Promise.reject(unavailable(failed));
      const last = following.length > 0 ? following : underWay;
      if (last === null) return null;
      return new Promise((done, fail) => void last.push({ committed: nobody, done, fail }));
    },
  };
}
