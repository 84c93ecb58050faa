import type { Signal } from '../port/index.ts';
import type { Time } from './clocks.ts';
import type { Database, Sql } from './database.ts';
import type { WriteOptions } from './group-commit.ts';
import type { SignalHub } from './signals.ts';

/** One operation of the port inside its transaction. It sees one moment of each clock. */
export type Operation = {
  sql: Sql;
  /** The time of day, for when something happened. In ms since the epoch. */
  nowMs: number;
  /** For what expires: leases, and the time of runs (see {@link Time}). */
  steadyMs: number;
  /** Publishes a signal once the operation is durable. */
  publish(signal: Signal): void;
};

/**
 * Does operations that write. Each is all or nothing. Its signals are published after it is durable, never before; its
 * caller may get the result earlier, see `WriteOptions`.
 */
export function createOperations(database: Database, time: Time, signals: SignalHub) {
  return <T>(work: (operation: Operation) => T, options: Omit<WriteOptions<T>, 'durable'> = {}): Promise<T> => {
    let published: Signal[] = [];
    const perform = (sql: Sql) => {
      published = []; // it may be done once more, see GroupCommit
      const publish = (signal: Signal) => {
        published.push(signal);
      };
      return work({ sql, nowMs: time.nowMs(), steadyMs: time.steadyMs(), publish });
    };
    return database.write(perform, { ...options, durable: () => published.forEach(signals.emit) });
  };
}

/** What {@link createOperations} makes. */
export type Operations = ReturnType<typeof createOperations>;
