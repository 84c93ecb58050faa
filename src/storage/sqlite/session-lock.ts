import type { FinalRun } from '../port/index.ts';
import { toNameText } from '../text.ts';
import { usageColumns, usageValues } from '../usage-row.ts';
import type { Sql } from './database.ts';

// What runs do to their session. These are parts of an operation and belong inside its transaction.

/** Who stands in the way of a run that wants its session. */
export type SessionQueue = {
  /** Items the session has; 0 if there is no session yet. */
  lastSeq: number;
  activeRunId: string | null;
  /** Whether the run that holds the session waits for a person. */
  waitsForPerson: boolean;
  /** The first of the runs that wait for the session. */
  nextRunId: string | null;
};

type QueueRow = {
  next_seq: number;
  active_run_id: string | null;
  holder_status: string | null;
  next_id: string | null;
};

const selectQueue = `
  select next_seq, active_run_id,
    (select status from runs where runs.id = active_run_id) as holder_status,
    (select runs.id from runs
      where runs.tenant_id = sessions.tenant_id and runs.session_id = sessions.id and runs.status = 'queued'
      order by runs.arrival limit 1) as next_id
  from sessions where tenant_id = ? and id = ?`;

/** The session's queue, or null if there is no such session. */
export function readQueue(sql: Sql, tenantId: string, sessionId: string): SessionQueue | null {
  const row = sql(selectQueue).get(tenantId, sessionId) as QueueRow | undefined;
  if (row === undefined) return null;
  return {
    lastSeq: row.next_seq - 1,
    activeRunId: row.active_run_id,
    waitsForPerson: row.holder_status === 'requires_action',
    nextRunId: row.next_id,
  };
}

const enter = `
  insert into sessions (tenant_id, id, created_at_ms, updated_at_ms, runs_count, active_run_id)
  values (?, ?, ?, ?, 1, ?)
  on conflict (tenant_id, id) do update set
    updated_at_ms = excluded.updated_at_ms,
    runs_count = runs_count + 1,
    active_run_id = coalesce(active_run_id, excluded.active_run_id)`;

/** Counts a new run in its session, which is made if it is new; `holderId` is that run if it takes the session. */
export function enterSession(
  sql: Sql,
  tenantId: string,
  sessionId: string,
  holderId: string | null,
  nowMs: number,
): void {
  sql(enter).run(tenantId, sessionId, nowMs, nowMs, holderId);
}

/** Gives a free session to a run that waited for it. */
export function holdSession(sql: Sql, tenantId: string, sessionId: string, runId: string, nowMs: number): void {
  sql('update sessions set active_run_id = ?, updated_at_ms = ? where tenant_id = ? and id = ?').run(
    runId,
    nowMs,
    tenantId,
    sessionId,
  );
}

/** Takes the session from a run that ended without anything to add to it, if it held it. */
export function releaseSession(sql: Sql, tenantId: string, sessionId: string, runId: string, nowMs: number): void {
  sql(
    'update sessions set active_run_id = nullif(active_run_id, ?), updated_at_ms = ? where tenant_id = ? and id = ?',
  ).run(runId, nowMs, tenantId, sessionId);
}

const leave = `
  update sessions set
    active_run_id = nullif(active_run_id, ?),
    updated_at_ms = ?,
    next_seq = next_seq + ?,
    last_agent = coalesce(?, last_agent),
    cost_usd = coalesce(cost_usd + ?5, cost_usd, ?5),
    ${usageColumns.map((column) => `${column} = ${column} + ?`).join(', ')}
  where tenant_id = ? and id = ?
  returning next_seq`;

const insertItem =
  'insert into session_items (tenant_id, session_id, seq, run_id, created_at_ms, item) values (?, ?, ?, ?, ?, ?)';

/** What a run that ends leaves in its session: its items and its share of the sums; and releases it. */
export function leaveSession(
  sql: Sql,
  run: { tenantId: string; sessionId: string; id: string },
  { newItems, lastAgent, costUsd, usage }: FinalRun,
  nowMs: number,
): void {
  const { tenantId, sessionId, id } = run;
  const row = sql(leave).get(
    id,
    nowMs,
    newItems.length,
    lastAgent === null ? null : toNameText(lastAgent),
    costUsd,
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
