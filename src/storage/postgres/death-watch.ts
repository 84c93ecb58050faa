import type pg from 'pg';
import type { Logger } from '../../platform/logger.ts';
import type { Statement } from './database.ts';

/** What `createDeathWatch` takes. */
export type DeathWatchOptions = {
  /** Asks on the connection that holds the locks; rejects while there is none. */
  query<Row extends pg.QueryResultRow>(statement: Statement, values?: unknown[]): Promise<Row[]>;
  /** When that connection was made, on the monotonic clock; null while there is none. */
  upSinceMs(): number | null;
  /** The monotonic clock. */
  nowMs(): number;
  log: Pick<Logger, 'warn'>;
  /** A process was found dead: its lease has ended, and its runs are orphans. */
  onDeath(): void;
};

/** How long a lock has to be gone before its process is taken for dead: long enough to connect again. */
const goneMs = 1_000;

// The key is made from the process's id, in the database: JavaScript's numbers do not hold 64 bits. The number is one of
// our own, so that nobody else's keys are the same.
const keyOf = (id: string) => `hashtextextended(${id}, 7031004)`;

/** The statement's part that gives the lock of process `$1` if `$n` is true. */
export const lockKey = (n: number): string => `case when $${n}::boolean then ${keyOf('$1')} end`;

const isGone = `not exists (
  select from pg_locks where locktype = 'advisory' and objsubid = 1 and granted
    and database = (select oid from pg_database where datname = current_database())
    and (classid::bigint << 32) | objid::bigint = lock_key
)`;

const hold: Statement = { name: 'hold_lock', text: `select pg_try_advisory_lock(${keyOf('$1')}) as held` };
const release: Statement = { name: 'release_lock', text: `select pg_advisory_unlock(${keyOf('$1')})` };
const announce: Statement = {
  name: 'announce_lock',
  text: `update processes set lock_key = ${keyOf('$1')} where id = $1`,
};
const ping: Statement = { name: 'ping', text: 'select 1' };
const selectGone: Statement = {
  name: 'select_gone',
  text: `select id, lease_expires_at_ms from processes
    where lock_key is not null and lease_expires_at_ms > steady_ms() and id <> all ($1) and ${isGone}`,
};
// The lease of a dead process ends, so that it finds out with its next heartbeat if it is alive after all.
const bury: Statement = {
  name: 'bury',
  text: `update processes set lease_expires_at_ms = steady_ms(), lock_key = null
    where id = $1 and lease_expires_at_ms = $2 and lock_key is not null and ${isGone}
    returning id`,
};

/**
 * Sees processes die before their lease is over. Each process holds a lock on a connection of its own, which the
 * database frees when that connection drops, as it does when a process is killed. A process is taken for dead if
 *
 * - it had announced that it holds its lock (it withdraws that, by another connection, when it loses its own), and
 * - its lock was found gone twice, a second or more apart, and its lease was not extended between, and
 * - whoever looks has had its own connection for a whole lease: when the database restarts, everybody loses theirs.
 *
 * A process that is wrongly taken for dead loses time, nothing else: what it writes is refused, as after any takeover.
 */
export function createDeathWatch({ query, upSinceMs, nowMs, log, onDeath }: DeathWatchOptions) {
  const own = new Map<string, { leaseMs: number; held: boolean }>();
  let suspects = new Map<string, { sinceMs: number; leaseExpiresAtMs: number }>();

  const take = async (id: string): Promise<boolean> => {
    const process = own.get(id);
    if (process === undefined) return false;
    // Taken twice by one connection, it would have to be freed twice.
    if (!process.held) process.held = (await query<{ held: boolean }>(hold, [id]))[0]?.held === true;
    return process.held;
  };

  const mayJudge = (): boolean => {
    const sinceMs = upSinceMs();
    const leaseMs = Math.max(...[...own.values()].map((process) => process.leaseMs));
    return sinceMs !== null && own.size > 0 && nowMs() - sinceMs >= leaseMs;
  };

  const buryOne = async (id: string, leaseExpiresAtMs: number): Promise<void> => {
    suspects.delete(id);
    if ((await query(bury, [id, leaseExpiresAtMs])).length === 0) return;
    log.warn({ processId: id }, 'a process is gone; its runs are taken over before its lease is over');
    onDeath();
  };

  return {
    /** Takes the lock of a process of ours and keeps it, over lost connections too. Whether it is held now. */
    async hold(id: string, leaseMs: number): Promise<boolean> {
      own.set(id, { leaseMs, held: own.get(id)?.held ?? false });
      return take(id).catch(() => false);
    },

    /** Whether the lock of a process of ours is held. */
    holds: (id: string): boolean => own.get(id)?.held ?? false,

    /** Gives a lock up for good. */
    async release(id: string): Promise<void> {
      const held = own.get(id)?.held;
      own.delete(id);
      if (held) await query(release, [id]).catch(() => {}); // without the connection the lock is gone as well
    },

    /** Notes that the connection was lost, and all locks with it. Returns the processes that held theirs. */
    lost(): string[] {
      suspects.clear();
      const held = [...own].filter(([, process]) => process.held);
      for (const [, process] of held) process.held = false;
      return held.map(([id]) => id);
    },

    /** Takes the locks that are not held, and announces them. */
    async retake(): Promise<void> {
      for (const [id, { held }] of [...own]) {
        if (!held && (await take(id))) await query(announce, [id]);
      }
    },

    /** Looks whose lock is gone. */
    async look(): Promise<void> {
      if (!mayJudge()) {
        await query(ping);
        return;
      }
      const gone = await query<{ id: string; lease_expires_at_ms: number }>(selectGone, [[...own.keys()]]);
      const before = suspects;
      suspects = new Map();
      for (const { id, lease_expires_at_ms: leaseExpiresAtMs } of gone) {
        const known = before.get(id);
        const sinceMs = known?.leaseExpiresAtMs === leaseExpiresAtMs ? known.sinceMs : nowMs();
        suspects.set(id, { sinceMs, leaseExpiresAtMs });
        if (nowMs() - sinceMs >= goneMs) await buryOne(id, leaseExpiresAtMs);
      }
    },
  };
}

/** What `createDeathWatch` makes. */
export type DeathWatch = ReturnType<typeof createDeathWatch>;
