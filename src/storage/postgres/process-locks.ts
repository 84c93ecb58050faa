import type pg from 'pg';
import type { Statement } from './database.ts';

/** Runs a statement on the connection that holds the locks; rejects while there is none. */
export type DirectQuery = <Row extends pg.QueryResultRow>(statement: Statement, values?: unknown[]) => Promise<Row[]>;

// The key of an advisory lock is a hash of the process's id, made in the database since JavaScript's numbers do not hold
// 64 bits. The seed is a number of this service, so that the keys of other users of the database differ.
const keyOf = (id: string) => `hashtextextended(${id}, 7031004)`;

/** The part of a statement that gives the lock of process `$1` if `$n` is true. */
export const lockKey = (n: number): string => `case when $${n}::boolean then ${keyOf('$1')} end`;

/** The condition that no connection holds the lock of a row of `processes`. */
export const isLockFree = `not exists (
  select from pg_locks where locktype = 'advisory' and objsubid = 1 and granted
    and database = (select oid from pg_database where datname = current_database())
    and (classid::bigint << 32) | objid::bigint = lock_key
)`;

const acquireLock: Statement = { name: 'hold_lock', text: `select pg_try_advisory_lock(${keyOf('$1')}) as held` };
const releaseLock: Statement = { name: 'release_lock', text: `select pg_advisory_unlock(${keyOf('$1')})` };
const announceLock: Statement = {
  name: 'announce_lock',
  text: `update processes set lock_key = ${keyOf('$1')} where id = $1`,
};

/**
 * The advisory locks of this process's registrations, on one connection. The database frees them when that connection
 * drops, as it does when a process is killed, so that a `FailureDetector` of another process sees it.
 */
export function createProcessLocks(query: DirectQuery) {
  const registered = new Map<string, { leaseMs: number; held: boolean }>();

  const acquire = async (id: string): Promise<boolean> => {
    const process = registered.get(id);
    if (process === undefined) return false;
    // A lock that one connection takes twice has to be released twice.
    if (!process.held) process.held = (await query<{ held: boolean }>(acquireLock, [id]))[0]?.held === true;
    return process.held;
  };

  return {
    /** Takes the lock of a registration and keeps it, also after the connection was lost. Whether it is held now. */
    async acquire(id: string, leaseMs: number): Promise<boolean> {
      registered.set(id, { leaseMs, held: registered.get(id)?.held ?? false });
      return acquire(id).catch(() => false);
    },

    /** Whether the lock of a registration is held. */
    isHeld: (id: string): boolean => registered.get(id)?.held ?? false,

    /** Releases a lock for good. */
    async release(id: string): Promise<void> {
      const held = registered.get(id)?.held;
      registered.delete(id);
      if (held) await query(releaseLock, [id]).catch(() => {}); // without its connection the lock is free already
    },

    /** Notes that the connection was lost, and all locks with it. Returns the registrations whose locks were held. */
    connectionLost(): string[] {
      const held = [...registered].filter(([, process]) => process.held);
      for (const [, process] of held) process.held = false;
      return held.map(([id]) => id);
    },

    /** Takes the locks that are not held, and announces them. */
    async reacquire(): Promise<void> {
      for (const [id, { held }] of [...registered]) {
        if (!held && (await acquire(id))) await query(announceLock, [id]);
      }
    },

    /** The registrations of this process. */
    ids: (): string[] => [...registered.keys()],

    /** The longest lease of a registration, in ms; `-Infinity` without any. */
    leaseMsMax: (): number => Math.max(...[...registered.values()].map(({ leaseMs }) => leaseMs)),
  };
}

/** What `createProcessLocks` makes. */
export type ProcessLocks = ReturnType<typeof createProcessLocks>;
