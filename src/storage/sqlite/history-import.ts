import type { HistoryImport, ImportOutcome } from '../port/index.ts';
import { toExactText } from '../text.ts';
import type { Operation } from './operation.ts';
import { insertItem, readBlocker } from './session-lock.ts';

const upsertSession = `
  insert into sessions (tenant_id, id, created_at_ms, updated_at_ms, next_seq) values (?, ?, ?3, ?3, 1 + ?4)
  on conflict (tenant_id, id) do update set updated_at_ms = excluded.updated_at_ms, next_seq = next_seq + ?4
  returning next_seq`;

const selectKey = 'select fingerprint from session_imports where tenant_id = ? and session_id = ? and key = ?';
const insertKey = 'insert into session_imports (tenant_id, session_id, key, fingerprint) values (?, ?, ?, ?)';

/** The outcome of an import; in two cases the caller adds the session to it. */
export type Imported = 'imported' | 'existing' | Exclude<ImportOutcome, { session: unknown }>;

/** See `SessionStore.importHistory`. */
export function importHistory(
  operation: Operation,
  tenantId: string,
  sessionId: string,
  { items, idempotency }: HistoryImport,
): Imported {
  const { sql, nowMs } = operation;
  const key = toExactText(idempotency?.key ?? null);
  const known = sql(selectKey).get(tenantId, sessionId, key) as { fingerprint: string } | undefined;
  if (known !== undefined) return known.fingerprint === idempotency?.fingerprint ? 'existing' : { type: 'key_reused' };
  const blockerId = readBlocker(operation, tenantId, sessionId)?.runId ?? null;
  if (blockerId !== null) return { type: 'busy', activeRunId: blockerId };
  const row = sql(upsertSession).get(tenantId, sessionId, nowMs, items.length) as { next_seq: number };
  const firstSeq = row.next_seq - items.length;
  for (const [index, item] of items.entries()) {
    sql(insertItem).run(tenantId, sessionId, firstSeq + index, '', nowMs, JSON.stringify(item));
  }
  if (idempotency !== null) sql(insertKey).run(tenantId, sessionId, key, idempotency.fingerprint);
  return 'imported';
}
