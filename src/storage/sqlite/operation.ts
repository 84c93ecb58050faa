import type { Signal } from '../port/index.ts';
import type { Time } from './clocks.ts';
import type { Database, Sql } from './database.ts';
import type { Telling } from './group-commit.ts';
import type { SignalHub } from './signals.ts';

/** One operation of the port inside its transaction. It sees one moment of each clock. */
export type Operation = {
  sql: Sql;
  /** For what is shown: when things happened. In ms since the epoch. */
  nowMs: number;
  /** For what runs out: leases, and the time of runs (see {@link Time}). */
  steadyMs: number;
  /** Tells processes something, once it is durable. */
  tell(signal: Signal): void;
};

/**
 * Does operations that write: each is all or nothing, and is told to others after it is durable, never before. Whoever
 * asked may hear of it earlier, see `Telling`.
 */
export function createOperations(database: Database, time: Time, signals: SignalHub) {
  return <T>(work: (operation: Operation) => T, telling: Omit<Telling<T>, 'durable'> = {}): Promise<T> => {
    let told: Signal[] = [];
    const perform = (sql: Sql) => {
      told = []; // it may be done once more, see GroupCommit
      const tell = (signal: Signal) => {
        told.push(signal);
      };
      return work({ sql, nowMs: time.nowMs(), steadyMs: time.steadyMs(), tell });
    };
    return database.write(perform, { ...telling, durable: () => told.forEach(signals.emit) });
  };
}

/** What {@link createOperations} makes. */
export type Operations = ReturnType<typeof createOperations>;
