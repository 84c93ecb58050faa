import type { CreateOutcome, FinalRun, NewRun, PausedRun, Run, RunError, RunStore } from '../port/index.ts';
import { newRunRow, type RunRow, runColumns, toRun } from '../run-row.ts';
import { toJsonText, toNameText } from '../text.ts';
import { usageColumns, usageValues } from '../usage-row.ts';
import type { Database, Sql } from './database.ts';
import { listRuns } from './run-list.ts';
import { enterSession, holdSession, leaveSession, readQueue, releaseSession } from './session-lock.ts';

const columns = runColumns.join(', ');

const insertRun = `insert into runs (${columns}) values (${runColumns.map(() => '?').join(', ')})`;

const selectRun = `select ${columns} from runs where id = ? and tenant_id = ?`;

/** Runs on SQLite. */
export function createRunStore(database: Database, nowMs: () => number): RunStore {
  return {
    create: (run, ifBusy) => database.write((sql) => create(sql, run, ifBusy, nowMs())),
    startQueued: (tenantId, runId, ownerId) =>
      database.write((sql) => startQueued(sql, tenantId, runId, ownerId, nowMs())),
    finish: (tenantId, runId, attempt, final) =>
      database.write((sql) => finish(sql, { tenantId, runId, attempt }, final, nowMs())),
    pause: (tenantId, runId, attempt, paused) =>
      database.write((sql) => pause(sql, { tenantId, runId, attempt }, paused)),
    get: (tenantId, runId) =>
      database.read((sql) => {
        const row = sql(selectRun).get(runId, tenantId) as RunRow | undefined;
        return row === undefined ? null : toRun(row);
      }),
    list: (tenantId, filter, limit, before) => database.read((sql) => listRuns(sql, tenantId, filter, limit, before)),
    failOrphans: (error, limit) => database.write((sql) => failOrphans(sql, error, limit, nowMs())),
  };
}

function create(sql: Sql, run: NewRun, ifBusy: 'wait' | 'reject', nowMs: number): CreateOutcome {
  const { id, tenantId, sessionId } = run;
  const queue = sessionId === null ? null : readQueue(sql, tenantId, sessionId);
  const inTheWay = queue?.activeRunId ?? queue?.nextRunId ?? null;
  if (inTheWay !== null && (ifBusy === 'reject' || queue?.waitsForPerson)) {
    return { type: 'busy', activeRunId: inTheWay };
  }
  const starts = inTheWay === null;
  const row = newRunRow(run, {
    status: starts ? 'running' : 'queued',
    sessionSeq: sessionId === null ? null : (queue?.lastSeq ?? 0),
    nowMs,
  });
  if (sessionId !== null) enterSession(sql, tenantId, sessionId, starts ? id : null, nowMs);
  sql(insertRun).run(...runColumns.map((column) => row[column]));
  return { type: starts ? 'started' : 'queued', run: toRun(row) };
}

const startRun = `
  update runs set status = 'running', attempt = attempt + 1, owner_id = ?, started_at_ms = ?, session_seq_at_start = ?
  where id = ? and tenant_id = ? and status = 'queued'
  returning ${columns}`;

function startQueued(sql: Sql, tenantId: string, runId: string, ownerId: string, nowMs: number): Run | null {
  const waiting = sql(selectRun).get(runId, tenantId) as RunRow | undefined;
  if (waiting === undefined) return null;
  const sessionId = waiting.session_id;
  const queue = sessionId === null ? null : readQueue(sql, tenantId, sessionId);
  if (queue !== null && (queue.activeRunId !== null || queue.nextRunId !== runId)) return null;
  const row = sql(startRun).get(ownerId, nowMs, queue?.lastSeq ?? null, runId, tenantId) as RunRow | undefined;
  if (row === undefined) return null;
  if (sessionId !== null) holdSession(sql, tenantId, sessionId, runId, nowMs);
  return toRun(row);
}

const finishRun = `
  update runs set status = ?, last_agent = ?, model = ?, response = ?, output = ?, cost_usd = ?, error = ?,
    required_action = null, first_token_ms = ?, finished_at_ms = ?, ${usageColumns.map((column) => `${column} = ?`).join(', ')}
  where id = ? and tenant_id = ? and attempt = ? and status in ('queued', 'running', 'requires_action')
  returning ${columns}`;

type RunAttempt = { tenantId: string; runId: string; attempt: number };

function finish(sql: Sql, { tenantId, runId, attempt }: RunAttempt, final: FinalRun, nowMs: number): Run | null {
  const row = sql(finishRun).get(
    final.status,
    final.lastAgent === null ? null : toNameText(final.lastAgent),
    final.model === null ? null : toNameText(final.model),
    toJsonText(final.response),
    toJsonText(final.output),
    final.costUsd,
    toJsonText(final.error),
    final.firstTokenMs,
    nowMs,
    ...usageValues(final.usage),
    runId,
    tenantId,
    attempt,
  ) as RunRow | undefined;
  if (row === undefined) return null;
  if (row.session_id !== null) leaveSession(sql, { tenantId, sessionId: row.session_id, id: runId }, final, nowMs);
  return toRun(row);
}

const pauseRun = `
  update runs set status = 'requires_action', owner_id = null, required_action = ?, last_agent = ?, model = ?,
    cost_usd = ?, first_token_ms = ?, ${usageColumns.map((column) => `${column} = ?`).join(', ')}
  where id = ? and tenant_id = ? and attempt = ? and status = 'running'
  returning ${columns}`;

function pause(sql: Sql, { tenantId, runId, attempt }: RunAttempt, paused: PausedRun): Run | null {
  const row = sql(pauseRun).get(
    toJsonText(paused.requiredAction),
    paused.lastAgent === null ? null : toNameText(paused.lastAgent),
    paused.model === null ? null : toNameText(paused.model),
    paused.costUsd,
    paused.firstTokenMs,
    ...usageValues(paused.usage),
    runId,
    tenantId,
    attempt,
  ) as RunRow | undefined;
  return row === undefined ? null : toRun(row);
}

// The index is named since only unfinished runs are in it: in order of arrival, all runs would be looked at.
const selectOrphans = `
  select id from runs indexed by runs_unfinished
  where status in ('queued', 'running') and owner_id is not null
    and not exists (select 1 from processes where processes.id = runs.owner_id and lease_expires_at_ms > ?)
  order by arrival limit ?`;

const failRun = `
  update runs set status = 'failed', error = ?, crashes = crashes + 1, finished_at_ms = ?
  where id = ?
  returning ${columns}`;

function failOrphans(sql: Sql, error: RunError, limit: number, nowMs: number): Run[] {
  const orphans = sql(selectOrphans).all(nowMs, limit) as { id: string }[];
  return orphans.map(({ id }) => {
    const row = sql(failRun).get(toJsonText(error), nowMs, id) as RunRow;
    if (row.session_id !== null) releaseSession(sql, row.tenant_id, row.session_id, id, nowMs);
    return toRun(row);
  });
}
