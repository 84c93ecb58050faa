import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { type Clock, systemClock } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Store } from '../port/index.ts';
import { StoreSetupError } from '../setup-error.ts';
import { decideStamp, logStamp, type StoreOpening, type StorePlace } from '../store-environment-policy.ts';
import { createBudgetStore } from './budgets.ts';
import { createTime } from './clocks.ts';
import { createDatabase, databaseFile } from './database.ts';
import { type ExecutorLock, takeExecutorLock } from './executor-lock.ts';
import { createJournalStore } from './journal.ts';
import { createKeyStore } from './keys.ts';
import { makeFolder } from './make-folder.ts';
import { migrate, readMigrations } from './migrate.ts';
import { createOperations, type Operation } from './operation.ts';
import { readBootId, withdrawLostText } from './power-cut.ts';
import { createProcessStore, endAllLeases } from './processes.ts';
import { createProviderStore } from './providers.ts';
import { createRetentionStore } from './retention.ts';
import { createRunStore } from './runs.ts';
import { createSessionStore } from './sessions.ts';
import { createSignalHub } from './signals.ts';
import { readOwnership, stampStore } from './store-environment.ts';
import { createWalDisk } from './wal-disk.ts';
import { createWebhookStore } from './webhooks.ts';

export { databaseFile } from './database.ts';
export { checkIntegrity, inspectEmbedded, nearestFolder } from './inspection.ts';

/** `full` survives a power cut; `normal` may lose the last writes to one, and is faster. Both survive kill -9. */
export type Sync = 'full' | 'normal';

/** Options of {@link createSqliteStore}. */
export type SqliteStoreOptions = {
  /** The folder of all data; created if it does not exist. */
  dataDir: string;
  /** What a power cut may undo: nothing (`full`), or the last writes (`normal`). */
  sync: Sync;
  /** Whether this process executes runs; one process on a folder may. Tools that read or migrate do not. */
  executes: boolean;
  /** Which environment opens the store, which is refused on a store of another one. Defaults to any. */
  opening?: StoreOpening;
  /** Logs which migrations were applied, and which listeners for signals failed. Defaults to none. */
  log?: Pick<Logger, 'info' | 'error'>;
  /** The database's clock, since SQLite runs in this process. Defaults to the machine's. */
  clock?: Pick<Clock, 'nowMs' | 'monotonicMs'>;
  /** Changes with every start of the machine; null if it is unknown. Defaults to the kernel's boot id. */
  bootId?: string | null;
};

/**
 * The embedded store: SQLite in a folder of this machine. Its `start` opens the database and brings its schema up to
 * date.
 *
 * `start` throws {@link StoreSetupError} if the folder cannot be used, if another process executes runs on it, if it is
 * of another environment, or if a newer version of the service has written it.
 */
export function createSqliteStore(options: SqliteStoreOptions): Store {
  const { dataDir, sync, executes, log, clock = systemClock, bootId = readBootId() } = options;
  const time = createTime(clock);
  const file = join(dataDir, databaseFile);
  const database = createDatabase(file, sync === 'full' ? createWalDisk(file) : null, endProcess);
  const signals = createSignalHub(log);
  const write = createOperations(database, time, signals);
  const place: StorePlace = { name: `the embedded store in ${dataDir}`, setting: 'DATA_DIR', shared: false };
  let environment: string | null = null;
  let lock: ExecutorLock | null = null;

  const recoverFromCrash = (operation: Operation) => {
    withdrawLostText(operation, bootId);
    operation.sql(endAllLeases).run(operation.steadyMs);
  };

  const close = () => {
    database.close();
    lock?.release();
    lock = null;
  };

  return {
    name: 'store',
    engine: 'sqlite',
    place: place.name,
    environment: () => environment,
    runs: createRunStore(database, write),
    sessions: createSessionStore(database, write),
    processes: createProcessStore(write, bootId),
    journal: createJournalStore(database, write),
    retention: createRetentionStore(database, write, time),
    keys: createKeyStore(database, write, time),
    budgets: createBudgetStore(database, write),
    providers: createProviderStore(database, write, time),
    webhooks: createWebhookStore(database, write, time),
    signals,
    rateLimiter: null,
    async ping(signal) {
      signal.throwIfAborted();
      await database.read((sql) => sql('select 1').get());
    },
    async start() {
      if (database.isOpen()) return;
      try {
        makeFolder(dataDir);
        if (executes) lock = takeExecutorLock(dataDir, process.pid);
        environment = prepare(database.open(), options, place, time.nowMs);
        // With the lock no other process executes runs: a process that is still registered was killed.
        if (executes) await write(recoverFromCrash);
      } catch (error) {
        close();
        throw toSetupError(dataDir, error);
      }
    },
    async stop() {
      close();
    },
  };
}

/**
 * Brings the schema up to date, and checks before and after that the data is of the environment that opens it. Returns
 * its stamp.
 */
function prepare(
  connection: DatabaseSync,
  { opening, log }: SqliteStoreOptions,
  place: StorePlace,
  nowMs: () => number,
): string | null {
  if (opening !== undefined) decideStamp(opening, readOwnership(connection), place);
  for (const { version, name } of migrate(connection, readMigrations(), nowMs)) {
    log?.info({ version, migration: name }, 'migration applied');
  }
  const stamped = opening === undefined ? null : stampStore(connection, opening, place, nowMs());
  const { stamp } = readOwnership(connection);
  if (opening?.stamps && log) logStamp(log, place, stamped, stamp);
  return stamp;
}

/** After a failed sync the contents of the disk are unknown until the file is read anew, which only a restart does. */
function endProcess(cause: Error): void {
  setImmediate(() => {
    throw new Error('The disk under DATA_DIR failed to keep what was written.', { cause });
  });
}

function toSetupError(dataDir: string, error: unknown): StoreSetupError {
  if (error instanceof StoreSetupError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new StoreSetupError(
    `DATA_DIR ${dataDir} cannot be used for the embedded store: ${reason}. It must be a folder that this process may ` +
      'write, on a local disk.',
    { cause: error },
  );
}
