import { close, closeSync, fdatasync, fdatasyncSync, openSync } from 'node:fs';
import type { Disk } from './durability.ts';

/** The open log, how many syncs of it are running, and whether it is to be closed after them. */
type Log = { descriptor: number; syncs: number; isClosing: boolean };

/**
 * The disk under the write-ahead log of a database, whose commits write to the log and do not sync it
 * (`pragma synchronous = normal`): SQLite itself syncs only before it moves the log to the database (checkpoint), and
 * before it starts the log anew (https://sqlite.org/pragma.html#pragma_synchronous). A sync runs in the thread pool, so
 * that it does not block the event loop. Opening and closing the log here is safe: closing a file frees all locks of the
 * process on it, but SQLite's locks are on other files.
 *
 * @param file the database
 */
export function createWalDisk(file: string): WalDisk {
  let log: Log | null = null;

  const open = (): Log => {
    log ??= { descriptor: openSync(`${file}-wal`, 'r+'), syncs: 0, isClosing: false };
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
      own.syncs += 1;
      fdatasync(own.descriptor, (error) => {
        own.syncs -= 1;
        if (own.isClosing && own.syncs === 0) close(own.descriptor);
        done(error);
      });
    },
    syncNow: () => fdatasyncSync(open().descriptor),
    close() {
      if (log === null) return;
      log.isClosing = true;
      if (log.syncs === 0) closeSync(log.descriptor);
      log = null;
    },
  };
}

/** See `createWalDisk`. */
export type WalDisk = Disk & {
  /** Closes the log once no sync of it is running; a further sync opens it again. */
  close(): void;
};
