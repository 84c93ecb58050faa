import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StoreSetupError } from '../setup-error.ts';
import { busyCode, resultCode } from './errors.ts';

/** The right to execute runs on a folder. */
export type ExecutorLock = { release(): void };

/**
 * Takes the right to execute runs on `dataDir`, which one process can have. It is a file lock of the operating system,
 * held through SQLite, so it is free again as soon as its process ends, however it ends. A file beside it has the
 * owner's process id, for the message. The lock lasts until `release`; it is also freed if the returned object is
 * garbage collected, so keep a reference to it.
 *
 * @throws {StoreSetupError} if another process has it
 */
export function takeExecutorLock(dataDir: string, pid: number): ExecutorLock {
  const ownerFile = join(dataDir, 'lock.pid');
  const lock = new DatabaseSync(join(dataDir, 'lock.db'), { timeout: 0 });
  try {
    lock.exec('begin exclusive');
    writeFileSync(ownerFile, `${pid}\n`);
  } catch (error) {
    lock.close();
    throw resultCode(error) === busyCode ? refusal(dataDir, ownerFile, error) : error;
  }
  return {
    release() {
      rmSync(ownerFile, { force: true });
      lock.close();
    },
  };
}

function refusal(dataDir: string, ownerFile: string, cause: unknown): StoreSetupError {
  return new StoreSetupError(
    `Another process (${readOwner(ownerFile)}) executes runs on the embedded store in ${dataDir}, which serves one ` +
      'process. Stop it, or choose another DATA_DIR; for more than one process set DATABASE_URL to a Postgres database.',
    { cause },
  );
}

function readOwner(ownerFile: string): string {
  try {
    return `pid ${readFileSync(ownerFile, 'utf8').trim()}`;
  } catch {
    return 'pid unknown'; // the owner has the lock but has not written its id yet
  }
}
