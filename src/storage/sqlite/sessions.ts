import { toPage } from '../page.ts';
import type { DeleteOutcome, JsonRecord, SessionStore } from '../port/index.ts';
import {
  fittingItems,
  type ItemRow,
  type SessionContextRow,
  type SessionRow,
  type SizeRow,
  sessionColumns,
  sessionContextColumns,
  toItem,
  toSession,
  toSessionContext,
} from '../session-row.ts';
import type { Database } from './database.ts';
import { importHistory } from './history-import.ts';
import type { Operation, Operations } from './operation.ts';
import { markRunsForDeletion, removeDeleted } from './retention.ts';
import { readBlocker } from './session-lock.ts';

const select = `select ${sessionColumns.join(', ')} from sessions`;

const selectOne = `${select} where tenant_id = ? and id = ?`;
const selectFirst = `${select} where tenant_id = ? order by updated_at_ms desc, id desc limit ?`;
const selectAfter = `${select} where tenant_id = ? and (updated_at_ms, id) < (?, ?)
  order by updated_at_ms desc, id desc limit ?`;

const selectItems = `
  select seq, run_id, created_at_ms, item from session_items
  where tenant_id = ? and session_id = ? and seq > ? order by seq limit ?`;
const selectContext = `select ${sessionContextColumns} from sessions where tenant_id = ? and id = ?`;
const selectSizes = `
  select octet_length(item) as bytes from session_items
  where tenant_id = ? and session_id = ? and seq > ? order by seq limit ?`;
const selectHistory = 'select item from session_items where tenant_id = ? and session_id = ? and seq <= ? order by seq';

/** Sessions on SQLite. */
export function createSessionStore(database: Database, write: Operations): SessionStore {
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
    items: (tenantId, sessionId, limit, afterSeq, bytesMax) =>
      database.read((sql) => {
        const length =
          bytesMax === undefined
            ? limit
            : fittingItems(
                sql(selectSizes).all(tenantId, sessionId, afterSeq, limit + 1) as SizeRow[],
                limit,
                bytesMax,
              );
        const rows = sql(selectItems).all(tenantId, sessionId, afterSeq, length + 1) as ItemRow[];
        return toPage(rows, length, toItem, ({ seq }) => seq);
      }),
    history: (tenantId, sessionId, uptoSeq) =>
      database.read((sql) => {
        const rows = sql(selectHistory).all(tenantId, sessionId, uptoSeq) as Pick<ItemRow, 'item'>[];
        return rows.map(({ item }) => JSON.parse(item) as JsonRecord);
      }),
    context: (tenantId, sessionId) =>
      database.read((sql) => {
        const row = sql(selectContext).get(tenantId, sessionId) as SessionContextRow | undefined;
        return row === undefined ? null : toSessionContext(row);
      }),
    importHistory: (tenantId, sessionId, history) =>
      write((operation) => {
        const imported = importHistory(operation, tenantId, sessionId, history);
        if (typeof imported !== 'string') return imported;
        const row = operation.sql(selectOne).get(tenantId, sessionId) as SessionRow;
        return { type: imported, session: toSession(row) };
      }),
    async delete(tenantId, sessionId) {
      const outcome = await write((operation) => remove(operation, tenantId, sessionId));
      // The process that deleted a session that is not there may have died before it removed the runs.
      if (outcome.type !== 'busy') await removeDeleted(write, tenantId, sessionId);
      return outcome;
    },
  };
}

/** Deletes the session with its items, by their foreign key, and marks its runs for deletion. */
function remove(operation: Operation, tenantId: string, sessionId: string): DeleteOutcome {
  const blocker = readBlocker(operation, tenantId, sessionId);
  if (blocker === null) return { type: 'not_found' };
  if (blocker.runId !== null) return { type: 'busy', activeRunId: blocker.runId };
  markRunsForDeletion(operation, tenantId, sessionId);
  operation.sql('delete from sessions where tenant_id = ? and id = ?').run(tenantId, sessionId);
  return { type: 'deleted' };
}
