import type { DeleteOutcome, JsonRecord, Session, SessionItem, SessionStore } from '../port/index.ts';
import type { Database, Sql } from './database.ts';
import { toPage } from './page.ts';
import { readQueue } from './session-lock.ts';
import { toUsage, type UsageRow, usageColumns } from './usage-row.ts';

type SessionRow = UsageRow & {
  tenant_id: string;
  id: string;
  created_at_ms: number;
  updated_at_ms: number;
  next_seq: number;
  runs_count: number;
  last_agent: string | null;
  active_run_id: string | null;
  cost_usd: number | null;
};

type ItemRow = { seq: number; run_id: string; created_at_ms: number; item: string };

const select = `
  select tenant_id, id, created_at_ms, updated_at_ms, next_seq, runs_count, last_agent, active_run_id, cost_usd,
    ${usageColumns.join(', ')}
  from sessions`;

const selectOne = `${select} where tenant_id = ? and id = ?`;
const selectFirst = `${select} where tenant_id = ? order by updated_at_ms desc, id desc limit ?`;
const selectAfter = `${select} where tenant_id = ? and (updated_at_ms, id) < (?, ?)
  order by updated_at_ms desc, id desc limit ?`;

const selectItems = `
  select seq, run_id, created_at_ms, item from session_items
  where tenant_id = ? and session_id = ? and seq > ? order by seq limit ?`;
const selectHistory = 'select item from session_items where tenant_id = ? and session_id = ? and seq <= ? order by seq';

/** Sessions on SQLite. */
export function createSessionStore(database: Database): SessionStore {
  return {
    get: (tenantId, sessionId) =>
      database.read((sql) => {
        const row = sql(selectOne).get(tenantId, sessionId) as SessionRow | undefined;
        return row === undefined ? null : toSession(row);
      }),
    list: (tenantId, limit, after) =>
      database.read((sql) => {
        const rows =
          after === null
            ? sql(selectFirst).all(tenantId, limit + 1)
            : sql(selectAfter).all(tenantId, after.updatedAtMs, after.id, limit + 1);
        return toPage(rows as SessionRow[], limit, toSession, ({ updatedAtMs, id }) => ({ updatedAtMs, id }));
      }),
    items: (tenantId, sessionId, limit, afterSeq) =>
      database.read((sql) => {
        const rows = sql(selectItems).all(tenantId, sessionId, afterSeq, limit + 1) as ItemRow[];
        return toPage(rows, limit, toItem, ({ seq }) => seq);
      }),
    history: (tenantId, sessionId, uptoSeq) =>
      database.read((sql) => {
        const rows = sql(selectHistory).all(tenantId, sessionId, uptoSeq) as Pick<ItemRow, 'item'>[];
        return rows.map(({ item }) => JSON.parse(item) as JsonRecord);
      }),
    delete: (tenantId, sessionId) => database.write((sql) => remove(sql, tenantId, sessionId)),
  };
}

/** Deletes the session; its items go with it, by their foreign key. */
function remove(sql: Sql, tenantId: string, sessionId: string): DeleteOutcome {
  const queue = readQueue(sql, tenantId, sessionId);
  if (queue === null) return { type: 'not_found' };
  const inTheWay = queue.activeRunId ?? queue.nextRunId;
  if (inTheWay !== null) return { type: 'busy', activeRunId: inTheWay };
  sql('delete from sessions where tenant_id = ? and id = ?').run(tenantId, sessionId);
  return { type: 'deleted' };
}

function toSession(row: SessionRow): Session {
  return {
    tenantId: row.tenant_id,
    id: row.id,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
    itemsCount: row.next_seq - 1,
    runsCount: row.runs_count,
    lastAgent: row.last_agent,
    activeRunId: row.active_run_id,
    usage: toUsage(row),
    costUsd: row.cost_usd,
  };
}

function toItem(row: ItemRow): SessionItem {
  return {
    seq: row.seq,
    runId: row.run_id,
    createdAtMs: row.created_at_ms,
    item: JSON.parse(row.item) as JsonRecord,
  };
}
