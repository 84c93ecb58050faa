import type { Removed, RetentionStore } from '../port/index.ts';
import type { Time } from './clocks.ts';
import type { Database, Sql } from './database.ts';
import type { Operation, Operations } from './operation.ts';

/**
 * Steps and events that are removed in one transaction. It blocks the event loop and other processes that write to the
 * file, one to two milliseconds for so many. A run with more rows is removed in several transactions.
 */
const rowsMax = 200;
/** Runs of a deleted session that are removed in one transaction, if they have few steps and events. */
const deletedMax = 50;

const selectEnded = 'select id from runs where finished_at_ms < ? order by finished_at_ms limit ?';
const selectMarked = 'select run_id as id from doomed_runs limit ?';
const selectMarkedOf = 'select run_id as id from doomed_runs where tenant_id = ? and session_id = ? limit ?';
const deleteKeys = `
  delete from idempotency_keys where rowid in (
    select rowid from idempotency_keys where expires_at_ms <= ? order by expires_at_ms limit ?
  )`;
const countRuns = 'select count(*) as n from runs where finished_at_ms < ?';
const countKeys = 'select count(*) as n from idempotency_keys where expires_at_ms <= ?';

/** Retention on SQLite. */
export function createRetentionStore(database: Database, write: Operations, time: Time): RetentionStore {
  return {
    pruneRuns: (olderThanMs, limit) => write((operation) => pruneRuns(operation, olderThanMs, limit)),
    pruneKeys: (limit) =>
      write(({ sql, nowMs }) => {
        const removed = Number(sql(deleteKeys).run(nowMs, limit).changes);
        return { removed, more: removed === limit };
      }),
    pruneDeleted: (limit) => write(({ sql }) => removeMarked(sql, idsOf(sql(selectMarked).all(limit)), limit)),
    countExpired: (olderThanMs) =>
      database.read((sql) => {
        const nowMs = time.nowMs();
        const count = (query: string, untilMs: number) => Number(sql(query).get(untilMs)?.n);
        return { runs: count(countRuns, nowMs - olderThanMs), keys: count(countKeys, nowMs) };
      }),
  };
}

/** Marks all runs of a session for deletion; all of them have ended. */
export function markRunsForDeletion({ sql }: Operation, tenantId: string, sessionId: string): void {
  sql(`
    insert or ignore into doomed_runs (tenant_id, session_id, run_id)
    select tenant_id, session_id, id from runs where tenant_id = ? and session_id = ?`).run(tenantId, sessionId);
}

/** Removes the runs of a deleted session, a batch a transaction; resolves when none is left. */
export async function removeDeleted(write: Operations, tenantId: string, sessionId: string): Promise<void> {
  const batch = () =>
    write(({ sql }) => removeMarked(sql, idsOf(sql(selectMarkedOf).all(tenantId, sessionId, deletedMax)), deletedMax));
  while ((await batch()).more);
}

function pruneRuns({ sql, nowMs }: Operation, olderThanMs: number, limit: number): Removed {
  const ids = idsOf(sql(selectEnded).all(nowMs - olderThanMs, limit));
  const removed = removeRuns(sql, ids);
  return { removed, more: removed < ids.length || ids.length === limit };
}

function removeMarked(sql: Sql, ids: string[], limit: number): Removed {
  const removed = removeRuns(sql, ids);
  for (const id of ids.slice(0, removed)) sql('delete from doomed_runs where run_id = ?').run(id);
  return { removed, more: removed < ids.length || ids.length === limit };
}

/** Removes the runs, in order, until `rowsMax` steps and events are removed; returns how many runs are removed. */
function removeRuns(sql: Sql, ids: readonly string[]): number {
  let left = rowsMax;
  for (const [index, id] of ids.entries()) {
    for (const table of ['events', 'steps']) left -= removeSome(sql, table, id, left);
    if (left === 0) return index; // there may be more of this run
    sql('delete from idempotency_keys where run_id = ?').run(id);
    sql('delete from runs where id = ?').run(id);
  }
  return ids.length;
}

function removeSome(sql: Sql, table: string, runId: string, limit: number): number {
  const some = `select rowid from ${table} where run_id = ? limit ?`;
  return Number(sql(`delete from ${table} where rowid in (${some})`).run(runId, limit).changes);
}

const idsOf = (rows: Record<string, unknown>[]): string[] => rows.map(({ id }) => String(id));
