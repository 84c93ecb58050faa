import { type BudgetsRow, budgetColumns, budgetValues, toBudgets } from './budget-row.ts';
import type { ApiKey, FoundKey, NewApiKey, Scope } from './port/index.ts';

/** A row of `api_keys`, without its hash. */
export type KeyRow = BudgetsRow & {
  id: string;
  tenant_id: string;
  name: string;
  /** Separated by commas. */
  scopes: string;
  rpm: number | null;
  burst: number | null;
  created_at_ms: number;
  expires_at_ms: number | null;
  revoked_at_ms: number | null;
  last_used_at_ms: number | null;
};

/** A row with the columns that `KeyStore.find` needs beside it. */
export type FoundKeyRow = KeyRow & { hash: string; at_ms: number };

/** Every column of `KeyRow`. */
export const keyColumns = [
  'id',
  'tenant_id',
  'name',
  'scopes',
  'rpm',
  'burst',
  ...budgetColumns,
  'created_at_ms',
  'expires_at_ms',
  'revoked_at_ms',
  'last_used_at_ms',
] as const satisfies (keyof KeyRow)[];

/** The columns of `toKeyValues`, in its order; the time of creation comes after them. */
export const newKeyColumns = [
  'id',
  'tenant_id',
  'name',
  'scopes',
  'hash',
  'prefix',
  'rpm',
  'burst',
  ...budgetColumns,
  'expires_at_ms',
] as const;

/** The values of `newKeyColumns` for a key that is to be created. */
export const toKeyValues = (key: NewApiKey) => [
  key.id,
  key.tenantId,
  key.name,
  key.scopes.join(','),
  key.hash,
  key.prefix,
  key.rpm,
  key.burst,
  ...budgetValues(key),
  key.expiresAtMs,
];

/** The key of a row. */
export function toKey(row: KeyRow): ApiKey {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    name: row.name,
    scopes: row.scopes.split(',') as Scope[],
    rpm: row.rpm,
    burst: row.burst,
    ...toBudgets(row),
    createdAtMs: row.created_at_ms,
    expiresAtMs: row.expires_at_ms,
    revokedAtMs: row.revoked_at_ms,
    lastUsedAtMs: row.last_used_at_ms,
  };
}

/** The key of a row that was read at `at_ms`, with how long it is valid from then on. */
export function toFoundKey({ hash, at_ms: atMs, ...row }: FoundKeyRow): FoundKey {
  const key = toKey(row);
  if (key.revokedAtMs !== null) return { key, hash, endsInMs: 0 };
  return { key, hash, endsInMs: key.expiresAtMs === null ? null : Math.max(0, key.expiresAtMs - atMs) };
}
