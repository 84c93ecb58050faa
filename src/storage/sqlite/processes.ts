import type { ProcessStore } from '../port/index.ts';
import type { Operations } from './operation.ts';

const register = `
  insert into processes (
    id, host, pid, app_version, sdk_version, registered_at_ms, lease_expires_at_ms, agents, claims_background,
    boot_id
  ) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  on conflict (id) do update set
    host = excluded.host,
    pid = excluded.pid,
    app_version = excluded.app_version,
    sdk_version = excluded.sdk_version,
    registered_at_ms = excluded.registered_at_ms,
    lease_expires_at_ms = excluded.lease_expires_at_ms,
    agents = excluded.agents,
    claims_background = excluded.claims_background,
    boot_id = excluded.boot_id`;

const extend = 'update processes set lease_expires_at_ms = ? where id = ? and lease_expires_at_ms > ?';

const ownsRuns = "exists (select 1 from runs where owner_id = processes.id and status = 'running')";

// A process that has running runs is kept until they are recovered: their clock stops at the end of its lease.
const deleteProcess = `delete from processes where id = ? and not ${ownsRuns}`;
const endLease = 'update processes set lease_expires_at_ms = min(lease_expires_at_ms, ?) where id = ?';

const forget = `delete from processes where lease_expires_at_ms < ? and not ${ownsRuns}`;

/** Ends the leases of all processes (parameter: now), as if each had ended at the latest now. */
export const endAllLeases = 'update processes set lease_expires_at_ms = min(lease_expires_at_ms, ?)';

/** Processes and their leases on SQLite; `bootId` is that of the machine. */
export function createProcessStore(write: Operations, bootId: string | null): ProcessStore {
  return {
    register: ({ id, host, pid, appVersion, sdkVersion, agents, background }, leaseMs) =>
      write(({ sql, nowMs, steadyMs }) => {
        const expiresMs = steadyMs + leaseMs;
        const values = [id, host, pid, appVersion, sdkVersion, nowMs, expiresMs, JSON.stringify(agents)];
        sql(register).run(...values, Number(background), bootId);
      }),
    heartbeat: (processId, leaseMs) =>
      write(({ sql, steadyMs }) => sql(extend).run(steadyMs + leaseMs, processId, steadyMs).changes === 1),
    stopClaiming: (processId) =>
      write(({ sql }) => {
        sql('update processes set claims = 0 where id = ?').run(processId);
      }),
    unregister: (processId) =>
      write(({ sql, steadyMs }) => {
        if (sql(deleteProcess).run(processId).changes === 0) sql(endLease).run(steadyMs, processId);
      }),
    forgetDead: (olderThanMs) => write(({ sql, steadyMs }) => Number(sql(forget).run(steadyMs - olderThanMs).changes)),
  };
}
