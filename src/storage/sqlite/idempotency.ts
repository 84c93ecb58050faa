import type { CreateOutcome, NewRun } from '../port/index.ts';
import { type RunRow, toRun } from '../run-row.ts';
import { toExactText } from '../text.ts';
import type { Sql } from './database.ts';
import type { Operation } from './operation.ts';
import { selectRun } from './run-statements.ts';

const selectKey =
  'select fingerprint, run_id from idempotency_keys where tenant_id = ? and key = ? and expires_at_ms > ?';

/** The outcome of a request whose idempotency key was used before; null if it was not. */
export function findByKey({ sql, nowMs }: Operation, { tenantId, idempotency }: NewRun): CreateOutcome | null {
  if (idempotency === null) return null;
  const found = sql(selectKey).get(tenantId, toExactText(idempotency.key), nowMs) as
    | { fingerprint: string; run_id: string }
    | undefined;
  if (found === undefined) return null;
  const row = sql(selectRun).get(found.run_id, tenantId) as RunRow | undefined;
  if (row === undefined) return null; // the run was removed, so the key is free
  return found.fingerprint === idempotency.fingerprint ? { type: 'existing', run: toRun(row) } : { type: 'key_reused' };
}

/** Whether a tenant has used an idempotency key. */
export const isKeyUsed = (sql: Sql, tenantId: string, key: string): boolean =>
  sql('select 1 from idempotency_keys where tenant_id = ? and key = ?').get(tenantId, toExactText(key)) !== undefined;

// A key that is there has expired.
const upsertKey = `
  insert into idempotency_keys (tenant_id, key, fingerprint, run_id, created_at_ms, expires_at_ms)
  values (?, ?, ?, ?, ?, ?)
  on conflict (tenant_id, key) do update set
    fingerprint = excluded.fingerprint,
    run_id = excluded.run_id,
    created_at_ms = excluded.created_at_ms,
    expires_at_ms = excluded.expires_at_ms`;

/** Stores which run a request with an idempotency key has created. */
export function rememberKey({ sql, nowMs }: Operation, { id, tenantId, idempotency }: NewRun): void {
  if (idempotency === null) return;
  const { key, fingerprint, ttlMs } = idempotency;
  sql(upsertKey).run(tenantId, toExactText(key), fingerprint, id, nowMs, nowMs + ttlMs);
}
