import {
  type FoundKeyRow,
  type KeyRow,
  keyColumns,
  newKeyColumns,
  toFoundKey,
  toKey,
  toKeyValues,
} from '../key-row.ts';
import { toPage } from '../page.ts';
import type { KeyStore } from '../port/index.ts';
import type { Database, Statement } from './database.ts';

const columns = keyColumns.join(', ');

// The foreign key to the tenant is checked at the end of the statement.
const insert: Statement = {
  name: 'insert_key',
  text: `
    with tenant as (
      insert into tenants (id, name, created_at_ms) values ($2, $2, now_ms()) on conflict do nothing
    )
    insert into api_keys (${newKeyColumns.join(', ')}, created_at_ms)
    values (${newKeyColumns.map((_, n) => `$${n + 1}`).join(', ')}, now_ms())
    returning ${columns}`,
};

const selectAll: Statement = {
  name: 'select_keys',
  text: `select ${columns} from api_keys where $2::text is null or id < $2 order by id desc limit $1`,
};
const selectOfTenant: Statement = {
  name: 'select_keys_of_tenant',
  text: `select ${columns} from api_keys where tenant_id = $3 and ($2::text is null or id < $2) order by id desc limit $1`,
};

const revoke: Statement = {
  name: 'revoke_key',
  text: `update api_keys set revoked_at_ms = coalesce(revoked_at_ms, now_ms())
    where id = $1 and ($2::text is null or tenant_id = $2) returning id`,
};

const find: Statement = {
  name: 'find_keys',
  text: `select ${columns}, hash, now_ms() as at_ms from api_keys where id = any ($1::text[])`,
};

// Processes that mark the same keys at once do not wait for each other: one of them is enough.
const markUsed: Statement = {
  name: 'mark_keys_used',
  text: `update api_keys set last_used_at_ms = now_ms() where id in (
      select id from api_keys
      where id = any ($1::text[]) and (last_used_at_ms is null or last_used_at_ms <= now_ms() - $2::bigint)
      for update skip locked
    )`,
};

const anyValid: Statement = {
  name: 'any_valid_key',
  text: `select exists (
      select from api_keys where revoked_at_ms is null and (expires_at_ms is null or expires_at_ms > now_ms())
    ) as found`,
};

/** API keys on Postgres: one statement and one round trip an operation. */
export function createKeyStore(database: Database): KeyStore {
  return {
    async create(key) {
      const [row] = await database.query<KeyRow>(insert, toKeyValues(key));
      if (row === undefined) throw new Error('the insertion of a key returned no row');
      return toKey(row);
    },
    async list(tenantId, limit, before) {
      const rows =
        tenantId === null
          ? await database.query<KeyRow>(selectAll, [limit + 1, before])
          : await database.query<KeyRow>(selectOfTenant, [limit + 1, before, tenantId]);
      return toPage(rows, limit, toKey, ({ id }) => id);
    },
    async revoke(tenantId, keyId) {
      return (await database.query(revoke, [keyId, tenantId])).length === 1;
    },
    async find(keyIds) {
      return (await database.query<FoundKeyRow>(find, [keyIds])).map(toFoundKey);
    },
    async markUsed(keyIds, everyMs) {
      await database.query(markUsed, [keyIds, everyMs]);
    },
    async anyValid() {
      const [row] = await database.query<{ found: boolean }>(anyValid);
      return row?.found === true;
    },
  };
}
