import type { FinalRun, RunStatus } from '../port/index.ts';
import { toJsonText, toNameText } from '../text.ts';
import { usageColumns, usageValues } from '../usage-row.ts';
import type { Operation } from './operation.ts';

// The lock and the queue of a session, and what runs write to it. These are parts of an operation and belong inside its
// transaction.

/** The runs that block a new run of a session. */
export type SessionQueue = {
  /** Items the session has; 0 if there is no session yet. */
  lastSeq: number;
  /** The run that holds the session, whether or not a process executes it. */
  holder: { id: string; status: RunStatus } | null;
  /** The first run in the queue that is due. */
  nextRunId: string | null;
};

type QueueRow = {
  next_seq: number;
  active_run_id: string | null;
  holder_status: RunStatus | null;
  next_id: string | null;
};

const queued = `
  from runs
  where runs.tenant_id = sessions.tenant_id and runs.session_id = sessions.id and runs.status = 'queued'`;

const selectQueue = `
  select next_seq, active_run_id,
    (select status from runs where runs.id = active_run_id) as holder_status,
    (select runs.id ${queued} and (runs.run_at_ms is null or runs.run_at_ms <= ?)
      order by runs.line_rank, runs.arrival limit 1) as next_id
  from sessions where tenant_id = ? and id = ?`;

/** The queue of a session, or null if there is no such session. */
export function readQueue({ sql, nowMs }: Operation, tenantId: string, sessionId: string): SessionQueue | null {
  const row = sql(selectQueue).get(nowMs, tenantId, sessionId) as QueueRow | undefined;
  if (row === undefined) return null;
  const { next_seq, active_run_id: id, holder_status: status, next_id } = row;
  return { lastSeq: next_seq - 1, holder: id === null || status === null ? null : { id, status }, nextRunId: next_id };
}

const selectBlocker = `
  select active_run_id, (select runs.id ${queued} order by runs.line_rank, runs.arrival limit 1) as next_id
  from sessions where tenant_id = ? and id = ?`;

/**
 * The run that blocks the deletion of a session: it holds the session or is queued for it, due or not. Null if there is
 * no such session.
 */
export function readBlocker({ sql }: Operation, tenantId: string, sessionId: string): { runId: string | null } | null {
  const row = sql(selectBlocker).get(tenantId, sessionId) as Pick<QueueRow, 'active_run_id' | 'next_id'> | undefined;
  return row === undefined ? null : { runId: row.active_run_id ?? row.next_id };
}

const selectFirstRank = `
  select line_rank from runs where tenant_id = ? and session_id = ? and status = 'queued'
  order by line_rank, arrival limit 1`;

/** The rank that puts a run at the front of the queue. */
export function rankAtFront({ sql }: Operation, tenantId: string, sessionId: string): number {
  const row = sql(selectFirstRank).get(tenantId, sessionId) as { line_rank: number } | undefined;
  return Math.min(row?.line_rank ?? 0, 0) - 1;
}

const selectQueued = `
  select 1 from runs
  where tenant_id = ? and session_id = ? and status = 'queued' and (run_at_ms is null or run_at_ms <= ?) limit 1`;

/** Whether a run in the queue of a session is due. */
export function hasQueuedRun({ sql, nowMs }: Operation, tenantId: string, sessionId: string): boolean {
  return sql(selectQueued).get(tenantId, sessionId, nowMs) !== undefined;
}

/** SQL for the last agent of a session, if a process has it. The parameters are SQL for the ids. */
export const lastAgentSql = (processId: string, tenantId: string, sessionId: string): string => `
  select last_agent from sessions join processes on processes.id = ${processId}
  where sessions.tenant_id = ${tenantId} and sessions.id = ${sessionId}
    and exists (select 1 from json_each(processes.agents) where value = last_agent)`;

const selectLastAgent = lastAgentSql('?', '?', '?');

/** The last agent of the session of a run, if the owner of the run has it. */
export function lastAgentOf(
  { sql }: Operation,
  { ownerId, tenantId, sessionId }: { ownerId: string; tenantId: string; sessionId: string | null },
): string | null {
  const row = sql(selectLastAgent).get(ownerId, tenantId, sessionId) as { last_agent: string } | undefined;
  return row?.last_agent ?? null;
}

const upsertSession = `
  insert into sessions (tenant_id, id, created_at_ms, updated_at_ms, runs_count, active_run_id)
  values (?, ?, ?, ?, 1, ?)
  on conflict (tenant_id, id) do update set
    updated_at_ms = excluded.updated_at_ms,
    runs_count = runs_count + 1,
    active_run_id = coalesce(active_run_id, excluded.active_run_id)`;

/** Adds a new run to its session, which is created if it is new; `holderId` is that run if it holds the session. */
export function addRunToSession(
  { sql, nowMs }: Operation,
  tenantId: string,
  sessionId: string,
  holderId: string | null,
): void {
  sql(upsertSession).run(tenantId, sessionId, nowMs, nowMs, holderId);
}

/** Locks a session for a run that is claimed. */
export function lockSession({ sql, nowMs }: Operation, tenantId: string, sessionId: string, runId: string): void {
  sql('update sessions set active_run_id = ?, updated_at_ms = ? where tenant_id = ? and id = ?').run(
    runId,
    nowMs,
    tenantId,
    sessionId,
  );
}

const release = `
  update sessions set
    active_run_id = nullif(active_run_id, ?),
    updated_at_ms = ?,
    next_seq = next_seq + ?,
    last_agent = coalesce(?, last_agent),
    cost_usd = coalesce(cost_usd + ?5, cost_usd, ?5),
    context = coalesce(?6, context),
    context_run_id = case when ?6 is null then context_run_id else ?1 end,
    ${usageColumns.map((column) => `${column} = ${column} + ?`).join(', ')}
  where tenant_id = ? and id = ?
  returning next_seq`;

/** Adds an item to a session; parameters: tenant, session, number, run, time, item. */
export const insertItem =
  'insert into session_items (tenant_id, session_id, seq, run_id, created_at_ms, item) values (?, ?, ?, ?, ?, ?)';

/** What a run that ends adds to its session. */
export type SessionResult = Pick<FinalRun, 'newItems' | 'lastAgent' | 'costUsd' | 'usage' | 'sessionContext'>;

/** Adds the items, usage and cost of a run that ends to its session, and releases the session if the run holds it. */
export function releaseSession(
  { sql, nowMs }: Operation,
  run: { tenantId: string; sessionId: string; id: string },
  { newItems, lastAgent, costUsd, usage, sessionContext }: SessionResult,
): void {
  const { tenantId, sessionId, id } = run;
  const row = sql(release).get(
    id,
    nowMs,
    newItems.length,
    toNameText(lastAgent),
    costUsd,
    toJsonText(sessionContext ?? null),
    ...usageValues(usage),
    tenantId,
    sessionId,
  ) as { next_seq: number } | undefined;
  if (row === undefined) throw new Error(`run ${id} ends in session ${sessionId}, which does not exist`);
  const firstSeq = row.next_seq - newItems.length;
  for (const [index, item] of newItems.entries()) {
    sql(insertItem).run(tenantId, sessionId, firstSeq + index, id, nowMs, JSON.stringify(item));
  }
}
