import type { ProcessStore } from '../port/index.ts';
import type { Database } from './database.ts';

const register = `
  insert into processes (id, host, pid, app_version, sdk_version, registered_at_ms, lease_expires_at_ms)
  values (?, ?, ?, ?, ?, ?, ?)
  on conflict (id) do update set
    host = excluded.host,
    pid = excluded.pid,
    app_version = excluded.app_version,
    sdk_version = excluded.sdk_version,
    registered_at_ms = excluded.registered_at_ms,
    lease_expires_at_ms = excluded.lease_expires_at_ms`;

const extend = 'update processes set lease_expires_at_ms = ? where id = ? and lease_expires_at_ms > ?';

// A run that waits for a person belongs to no process, so these are the unfinished ones that a process can own.
const forget = `
  delete from processes where lease_expires_at_ms < ? and not exists (
    select 1 from runs where owner_id = processes.id and status in ('queued', 'running')
  )`;

/** Processes and their leases on SQLite. */
export function createProcessStore(database: Database, nowMs: () => number): ProcessStore {
  return {
    register: ({ id, host, pid, appVersion, sdkVersion }, leaseMs) =>
      database.write((sql) => {
        const now = nowMs();
        sql(register).run(id, host, pid, appVersion, sdkVersion, now, now + leaseMs);
      }),
    heartbeat: (processId, leaseMs) =>
      database.write((sql) => {
        const now = nowMs();
        return sql(extend).run(now + leaseMs, processId, now).changes === 1;
      }),
    unregister: (processId) =>
      database.write((sql) => {
        sql('delete from processes where id = ?').run(processId);
      }),
    forgetDead: (olderThanMs) => database.write((sql) => Number(sql(forget).run(nowMs() - olderThanMs).changes)),
  };
}
