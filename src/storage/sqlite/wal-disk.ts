import { close, closeSync, fdatasync, fdatasyncSync, openSync } from 'node:fs';
import type { Disk } from './durability.ts';

/** The log, and how often it is waited for at the moment. */
type Log = { descriptor: number; waits: number; isOver: boolean };

/**
 * The disk under the write-ahead log of a database, whose commits write to the log and do not wait
 * (`pragma synchronous = normal`): SQLite itself waits for the disk only before it moves what is in the log to the
 * database, and before it begins the log anew (https://sqlite.org/pragma.html#pragma_synchronous). The wait is a thread's
 * of the pool, so that the event loop goes on meanwhile. That the log is opened and closed here does no harm: SQLite's
 * locks, which any close of a file would take away, are on other files.
 *
 * @param file the database
 */
export function createWalDisk(file: string): WalDisk {
  let log: Log | null = null;

  const open = (): Log => {
    log ??= { descriptor: openSync(`${file}-wal`, 'r+'), waits: 0, isOver: false };
    return log;
  };

  return {
    sync(done) {
      let own: Log;
      try {
        own = open();
      } catch (error) {
        return void setImmediate(done, error as Error);
      }
      own.waits += 1;
      fdatasync(own.descriptor, (error) => {
        own.waits -= 1;
        if (own.isOver && own.waits === 0) close(own.descriptor);
        done(error);
      });
    },
    syncNow: () => fdatasyncSync(open().descriptor),
    close() {
      if (log === null) return;
      log.isOver = true;
      if (log.waits === 0) closeSync(log.descriptor);
      log = null;
    },
  };
}

/** See `createWalDisk`. */
export type WalDisk = Disk & {
  /** Lets go of the log, once it is waited for no more; a further wait opens it again. */
  close(): void;
};
