import type { ProcessStore } from '../port/index.ts';
import type { Database, Statement } from './database.ts';

const register: Statement = {
  name: 'register_process',
  text: `
    insert into processes (id, host, pid, app_version, sdk_version, registered_at_ms, lease_expires_at_ms)
    values ($1, $2, $3, $4, $5, now_ms(), now_ms() + $6)
    on conflict (id) do update set
      host = excluded.host,
      pid = excluded.pid,
      app_version = excluded.app_version,
      sdk_version = excluded.sdk_version,
      registered_at_ms = excluded.registered_at_ms,
      lease_expires_at_ms = excluded.lease_expires_at_ms`,
};

const extend: Statement = {
  name: 'extend_lease',
  text: `update processes set lease_expires_at_ms = now_ms() + $2
    where id = $1 and lease_expires_at_ms > now_ms() returning id`,
};

const unregister: Statement = { name: 'unregister_process', text: 'delete from processes where id = $1' };

// A run that waits for a person belongs to no process, so these are the unfinished ones that a process can own. Rows
// that somebody else works on are left for the next time: nobody waits for more than one row of processes.
const forget: Statement = {
  name: 'forget_dead_processes',
  text: `
    delete from processes where id in (
      select id from processes
      where lease_expires_at_ms < now_ms() - $1 and not exists (
        select from runs where owner_id = processes.id and status in ('queued', 'running')
      )
      for update skip locked
    )
    returning id`,
};

/** Processes and their leases on Postgres. */
export function createProcessStore(database: Database): ProcessStore {
  return {
    async register({ id, host, pid, appVersion, sdkVersion }, leaseMs) {
      await database.query(register, [id, host, pid, appVersion, sdkVersion, leaseMs]);
    },
    async heartbeat(processId, leaseMs) {
      return (await database.query(extend, [processId, leaseMs])).length === 1;
    },
    async unregister(processId) {
      await database.query(unregister, [processId]);
    },
    async forgetDead(olderThanMs) {
      return (await database.query(forget, [olderThanMs])).length;
    },
  };
}
