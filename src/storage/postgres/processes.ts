import type { ProcessStore } from '../port/index.ts';
import type { Database, Statement } from './database.ts';
import { lockKey, type ProcessLocks } from './process-locks.ts';

// Each registration and heartbeat advances the steady time, by which leases are counted (migrations/001-initial.sql).
const register: Statement = {
  name: 'register_process',
  text: `
    insert into processes (
      id, host, pid, app_version, sdk_version, registered_at_ms, lease_expires_at_ms, lock_key, agents, claims_background
    ) values ($1, $2, $3, $4, $5, now_ms(), steady_ms() + $6, ${lockKey(7)}, $8, $9)
    on conflict (id) do update set
      host = excluded.host,
      pid = excluded.pid,
      app_version = excluded.app_version,
      sdk_version = excluded.sdk_version,
      registered_at_ms = excluded.registered_at_ms,
      lease_expires_at_ms = excluded.lease_expires_at_ms,
      lock_key = excluded.lock_key,
      agents = excluded.agents,
      claims_background = excluded.claims_background
    returning tick_steady_time()`,
};

const extend: Statement = {
  name: 'extend_lease',
  text: `update processes set lease_expires_at_ms = steady_ms() + $2, lock_key = ${lockKey(3)}
    where id = $1 and lease_expires_at_ms > steady_ms() returning tick_steady_time()`,
};

const withdraw: Statement = {
  name: 'withdraw_locks',
  text: 'update processes set lock_key = null where id = any ($1)',
};

const stopClaiming: Statement = {
  name: 'stop_claiming',
  text: 'update processes set claims = false where id = $1',
};

const unregister: Statement = { name: 'unregister_process', text: 'select unregister_process($1)' };

// Rows that another transaction has locked are left for the next call: no transaction waits for more than one row of
// processes.
const forget: Statement = {
  name: 'forget_dead_processes',
  text: `
    delete from processes where id in (
      select id from processes
      where lease_expires_at_ms < steady_ms() - $1 and not exists (
        select from runs where owner_id = processes.id and status = 'running'
      )
      for update skip locked
    )
    returning id`,
};

/** Processes and their leases on Postgres, and the locks by which other processes see one die. */
export function createProcessStore(database: Database, locks: ProcessLocks) {
  return {
    async register({ id, host, pid, appVersion, sdkVersion, agents, background }, leaseMs) {
      const held = await locks.acquire(id, leaseMs);
      const values = [id, host, pid, appVersion, sdkVersion, leaseMs, held, agents, background];
      await database.query(register, values);
    },
    async heartbeat(processId, leaseMs) {
      return (await database.query(extend, [processId, leaseMs, locks.isHeld(processId)])).length === 1;
    },
    async stopClaiming(processId) {
      await database.query(stopClaiming, [processId]);
    },
    async unregister(processId) {
      await database.query(unregister, [processId]);
      await locks.release(processId);
    },
    async forgetDead(olderThanMs) {
      return (await database.query(forget, [olderThanMs])).length;
    },

    /** Notes that these processes are alive but do not hold their locks, so that none of them is declared dead. */
    async withdrawLocks(processIds: string[]): Promise<void> {
      if (processIds.length > 0) await database.query(withdraw, [processIds]);
    },
  } satisfies ProcessStore & Record<string, unknown>;
}
