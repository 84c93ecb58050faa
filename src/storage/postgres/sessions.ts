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
import { toExactText } from '../text.ts';
import type { Database, Statement } from './database.ts';
import { removeDeleted } from './retention.ts';

const select = `select ${sessionColumns.join(', ')} from sessions`;

const selectOne: Statement = { name: 'select_session', text: `${select} where tenant_id = $1 and id = $2` };
const selectFirst: Statement = {
  name: 'select_sessions',
  text: `${select} where tenant_id = $1 order by updated_at_ms desc, id desc limit $2`,
};
const selectAfter: Statement = {
  name: 'select_sessions_after',
  text: `${select} where tenant_id = $1 and (updated_at_ms, id) < ($3, $4)
    order by updated_at_ms desc, id desc limit $2`,
};
const selectItems: Statement = {
  name: 'select_items',
  text: `select seq, run_id, created_at_ms, item from session_items
    where tenant_id = $1 and session_id = $2 and seq > $3 order by seq limit $4`,
};
const selectSizes: Statement = {
  name: 'select_item_sizes',
  text: `select octet_length(item) as bytes from session_items
    where tenant_id = $1 and session_id = $2 and seq > $3 order by seq limit $4`,
};
const selectHistory: Statement = {
  name: 'select_history',
  text: 'select item from session_items where tenant_id = $1 and session_id = $2 and seq <= $3 order by seq',
};
const selectContext: Statement = {
  name: 'select_session_context',
  text: `select ${sessionContextColumns} from sessions where tenant_id = $1 and id = $2`,
};
const deleteSession: Statement = { name: 'delete_session', text: 'select * from delete_session($1, $2)' };

const importHistory: Statement = { name: 'import_history', text: 'select * from import_history($1, $2, $3, $4, $5)' };

type ImportRow = { outcome: 'imported' | 'existing' | 'key_reused' } | { outcome: 'busy'; holder_id: string };
type DeleteRow = { outcome: 'deleted' | 'not_found' } | { outcome: 'busy'; holder_id: string };

/** Sessions on Postgres: one statement and one round trip an operation, but for deleting, whose runs go in batches. */
export function createSessionStore(database: Database): SessionStore {
  return {
    async get(tenantId, sessionId) {
      const [row] = await database.query<SessionRow>(selectOne, [tenantId, sessionId]);
      return row === undefined ? null : toSession(row);
    },
    async list(tenantId, limit, after) {
      const rows =
        after === null
          ? await database.query<SessionRow>(selectFirst, [tenantId, limit + 1])
          : await database.query<SessionRow>(selectAfter, [tenantId, limit + 1, after.updatedAtMs, after.id]);
      return toPage(rows, limit, toSession, ({ updatedAtMs, id }) => ({ updatedAtMs, id }));
    },
    async items(tenantId, sessionId, limit, afterSeq, bytesMax) {
      const page = [tenantId, sessionId, afterSeq];
      const length =
        bytesMax === undefined
          ? limit
          : fittingItems(await database.query<SizeRow>(selectSizes, [...page, limit + 1]), limit, bytesMax);
      const rows = await database.query<ItemRow>(selectItems, [...page, length + 1]);
      return toPage(rows, length, toItem, ({ seq }) => seq);
    },
    async history(tenantId, sessionId, uptoSeq) {
      const rows = await database.query<Pick<ItemRow, 'item'>>(selectHistory, [tenantId, sessionId, uptoSeq]);
      return rows.map(({ item }) => JSON.parse(item) as JsonRecord);
    },
    async context(tenantId, sessionId) {
      const [row] = await database.query<SessionContextRow>(selectContext, [tenantId, sessionId]);
      return row === undefined ? null : toSessionContext(row);
    },
    async importHistory(tenantId, sessionId, { items, idempotency }) {
      const texts = JSON.stringify(items.map((item) => JSON.stringify(item)));
      const key = toExactText(idempotency?.key ?? null);
      const values = [tenantId, sessionId, texts, key, idempotency?.fingerprint ?? null];
      const [imported] = await database.query<ImportRow>(importHistory, values);
      if (imported === undefined) throw new Error('import_history returned no row');
      const { outcome: type } = imported;
      if (type === 'busy') return { type, activeRunId: imported.holder_id };
      if (type === 'key_reused') return { type };
      const [row] = await database.query<SessionRow>(selectOne, [tenantId, sessionId]);
      if (row === undefined) throw new Error('the session was deleted after the import');
      return { type, session: toSession(row) };
    },
    async delete(tenantId, sessionId) {
      const [deleted] = await database.query<DeleteRow>(deleteSession, [tenantId, sessionId]);
      if (deleted === undefined) throw new Error('delete_session returned no row');
      // The process that deleted a session that is not there may have died before it removed the runs.
      if (deleted.outcome !== 'busy') await removeDeleted(database, tenantId, sessionId);
      return toDeleteOutcome(deleted);
    },
  };
}

const toDeleteOutcome = (row: DeleteRow): DeleteOutcome =>
  row.outcome === 'busy' ? { type: 'busy', activeRunId: row.holder_id } : { type: row.outcome };
