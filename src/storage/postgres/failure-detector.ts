import type { Logger } from '../../platform/logger.ts';
import type { Statement } from './database.ts';
import { type DirectQuery, isLockFree, type ProcessLocks } from './process-locks.ts';

/** Dependencies of `createFailureDetector`. */
export type FailureDetectorDeps = {
  query: DirectQuery;
  /** The locks of this process, on the same connection. */
  locks: ProcessLocks;
  /** When that connection was made, on the monotonic clock; null while there is none. */
  upSinceMs(): number | null;
  /** The monotonic clock. */
  nowMs(): number;
  log: Pick<Logger, 'warn'>;
  /** Called when a process was found dead: its lease has ended, and its runs are orphans. */
  onProcessDead(): void;
};

/** How long a lock has to be free before its process is declared dead: long enough to connect again. */
const lockFreeMinMs = 1_000;

const ping: Statement = { name: 'ping', text: 'select 1' };
const selectSuspected: Statement = {
  name: 'select_free_locks',
  text: `select id, lease_expires_at_ms from processes
    where lock_key is not null and lease_expires_at_ms > steady_ms() and id <> all ($1) and ${isLockFree}`,
};
// The lease of a dead process ends, so that a process that is alive after all learns of it with its next heartbeat.
const endLease: Statement = {
  name: 'end_dead_lease',
  text: `update processes set lease_expires_at_ms = steady_ms(), lock_key = null
    where id = $1 and lease_expires_at_ms = $2 and lock_key is not null and ${isLockFree}
    returning id`,
};

type Suspected = { sinceMs: number; leaseExpiresAtMs: number };

/**
 * Failure detector: finds processes that died before their lease ends, by the advisory lock that each process holds on a
 * connection of its own (see `createProcessLocks`). A process is declared dead if
 *
 * - it had announced that it holds its lock (it withdraws that, by another connection, when it loses its own), and
 * - its lock was found free twice, a second or more apart, and its lease was not extended in between, and
 * - the detecting process has had its own connection for a whole lease: a restart of the database drops all connections.
 *
 * A process that is declared dead by mistake loses time only: its writes are refused, as after any takeover (see
 * `RunAttempt`).
 */
export function createFailureDetector(deps: FailureDetectorDeps) {
  const { query, locks, upSinceMs, nowMs, log, onProcessDead } = deps;
  let suspected = new Map<string, Suspected>();

  const mayDetect = (): boolean => {
    const sinceMs = upSinceMs();
    const leaseMs = locks.leaseMsMax();
    return sinceMs !== null && Number.isFinite(leaseMs) && nowMs() - sinceMs >= leaseMs;
  };

  const declareDead = async (id: string, leaseExpiresAtMs: number): Promise<void> => {
    suspected.delete(id);
    if ((await query(endLease, [id, leaseExpiresAtMs])).length === 0) return;
    log.warn({ processId: id }, 'a process is gone; its runs are taken over before its lease is over');
    onProcessDead();
  };

  return {
    /** Checks the locks of other processes. Sends a query in any case, so that a dead connection is noticed. */
    async check(): Promise<void> {
      if (!mayDetect()) {
        await query(ping);
        return;
      }
      const found = await query<{ id: string; lease_expires_at_ms: number }>(selectSuspected, [locks.ids()]);
      const before = suspected;
      suspected = new Map();
      for (const { id, lease_expires_at_ms: leaseExpiresAtMs } of found) {
        const known = before.get(id);
        const sinceMs = known?.leaseExpiresAtMs === leaseExpiresAtMs ? known.sinceMs : nowMs();
        suspected.set(id, { sinceMs, leaseExpiresAtMs });
        if (nowMs() - sinceMs >= lockFreeMinMs) await declareDead(id, leaseExpiresAtMs);
      }
    },

    /** Forgets what was found so far, since the connection was lost. */
    reset(): void {
      suspected.clear();
    },
  };
}
