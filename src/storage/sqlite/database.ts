import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { busyCode, resultCode, toOperationError, unavailable } from './errors.ts';
import { createGroupCommit, type GroupCommit, type WriteOptions } from './group-commit.ts';
import type { Transactions } from './transaction.ts';
import type { WalDisk } from './wal-disk.ts';

/** The prepared statement of an SQL text; prepared once a connection. */
export type Sql = (text: string) => StatementSync;

/** The name of the database in its folder. */
export const databaseFile = 'agent-service.db';

/** How long a statement waits for another process that writes. The wait blocks the event loop. */
const busyTimeoutMs = 5_000;

/** How often a new file is switched to write-ahead logging while other processes do the same. */
const switchTriesMax = 100;

/** The write-ahead log is truncated to this size after it grew, for instance during a long read. */
const logSizeMax = 64 * 1024 * 1024;

/**
 * One connection to the database file, which can be closed and opened again. Writes are committed in groups, and a read
 * is answered once everything that it may show is durable. While the database is closed, and after the disk has failed,
 * both reject with `store_unavailable`.
 *
 * @param disk what has to be synced until a write is durable; null if a power cut may undo the last writes
 * @param onDiskFailure called once if the disk fails
 */
export function createDatabase(file: string, disk: WalDisk | null, onDiskFailure: (error: Error) => void) {
  let open: { connection: DatabaseSync; sql: Sql; commits: GroupCommit } | null = null;

  const notOpen = () => unavailable(new Error('the database is not open'));

  return {
    isOpen: (): boolean => open !== null,

    /** Opens the file, and creates it if it is new. Throws SQLite's error. */
    open(): DatabaseSync {
      const connection = new DatabaseSync(file, { timeout: busyTimeoutMs });
      try {
        configure(connection);
      } catch (error) {
        connection.close();
        throw error;
      }
      const sql = createStatements(connection);
      open = { connection, sql, commits: createGroupCommit(createTransactions(connection, sql), disk, onDiskFailure) };
      return connection;
    },

    /** Commits what is pending and closes the file. */
    close(): void {
      const closing = open;
      open = null;
      closing?.commits.flush();
      disk?.close();
      closing?.connection.close();
    },

    /** Runs a query once everything that is committed is durable. */
    async read<T>(query: (sql: Sql) => T): Promise<T> {
      const durable = open?.commits.whenDurable();
      if (durable) await durable;
      if (open === null) throw notOpen();
      try {
        return query(open.sql);
      } catch (error) {
        throw resultCode(error) === null ? error : toOperationError(error);
      }
    },

    /**
     * Does `work` in a transaction, all or nothing, and resolves when that is durable. It must only read and change the
     * database: it is done once more if another operation of its group throws.
     */
    write<T>(work: (sql: Sql) => T, options?: WriteOptions<T>): Promise<T> {
      if (open === null) return Promise.reject(notOpen());
      const { sql, commits } = open;
      return commits.add(() => work(sql), options);
    },
  };
}

/** What {@link createDatabase} makes. */
export type Database = ReturnType<typeof createDatabase>;

function configure(connection: DatabaseSync): void {
  writeAhead(connection);
  connection.exec('pragma synchronous = normal'); // the group commit syncs the log
  connection.exec('pragma foreign_keys = on');
  connection.exec('pragma temp_store = memory'); // keeps the undo log of savepoints off the disk
  connection.exec(`pragma journal_size_limit = ${logSizeMax}`);
}

/**
 * Switches to write-ahead logging, which the file then keeps. If several processes open a new file at the same moment,
 * the switch fails at once instead of waiting for the lock, so an empty transaction waits in its place.
 */
function writeAhead(connection: DatabaseSync): void {
  for (let tries = 1; ; tries += 1) {
    try {
      connection.exec('pragma journal_mode = wal');
      return;
    } catch (error) {
      if (resultCode(error) !== busyCode || tries === switchTriesMax) throw error;
    }
    connection.exec('begin immediate; rollback');
  }
}

function createStatements(connection: DatabaseSync): Sql {
  const prepared = new Map<string, StatementSync>();
  return (text) => {
    let statement = prepared.get(text);
    if (statement === undefined) {
      statement = connection.prepare(text);
      prepared.set(text, statement);
    }
    return statement;
  };
}

function createTransactions(connection: DatabaseSync, sql: Sql): Transactions {
  return {
    begin: () => sql('begin immediate').run(),
    commit: () => sql('commit').run(),
    rollback: () => sql('rollback').run(),
    savepoint: () => sql('savepoint operation').run(),
    release: () => sql('release operation').run(),
    undo: () => {
      sql('rollback to operation').run();
      sql('release operation').run();
    },
    isOpen: () => connection.isTransaction,
  };
}
