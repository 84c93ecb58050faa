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
import type { Time } from './clocks.ts';
import type { Database } from './database.ts';
import type { Operations } from './operation.ts';

const columns = keyColumns.join(', ');

const insertTenant = 'insert or ignore into tenants (id, name, created_at_ms) values (?1, ?1, ?2)';
const insert = `
  insert into api_keys (${newKeyColumns.join(', ')}, created_at_ms)
  values (${newKeyColumns.map(() => '?').join(', ')}, ?) returning ${columns}`;

const selectAll = `select ${columns} from api_keys where ?2 is null or id < ?2 order by id desc limit ?1`;
const selectOfTenant = `
  select ${columns} from api_keys where tenant_id = ?3 and (?2 is null or id < ?2) order by id desc limit ?1`;

const revoke = `
  update api_keys set revoked_at_ms = coalesce(revoked_at_ms, ?3) where id = ?1 and (?2 is null or tenant_id = ?2)`;

const find = `select ${columns}, hash, ?2 as at_ms from api_keys where id in (select value from json_each(?1))`;

const markUsed = `
  update api_keys set last_used_at_ms = ?2
  where id in (select value from json_each(?1)) and (last_used_at_ms is null or last_used_at_ms <= ?2 - ?3)`;

const anyValid = 'select 1 from api_keys where revoked_at_ms is null and (expires_at_ms is null or expires_at_ms > ?)';

/** API keys on SQLite. Reads see at once what another process has committed. */
export function createKeyStore(database: Database, write: Operations, time: Time): KeyStore {
  return {
    create: (key) =>
      write(({ sql, nowMs }) => {
        sql(insertTenant).run(key.tenantId, nowMs);
        return toKey(sql(insert).get(...toKeyValues(key), nowMs) as KeyRow);
      }),
    list: (tenantId, limit, before) =>
      database.read((sql) => {
        const rows =
          tenantId === null
            ? sql(selectAll).all(limit + 1, before)
            : sql(selectOfTenant).all(limit + 1, before, tenantId);
        return toPage(rows as KeyRow[], limit, toKey, ({ id }) => id);
      }),
    revoke: (tenantId, keyId) => write(({ sql, nowMs }) => sql(revoke).run(keyId, tenantId, nowMs).changes === 1),
    find: (keyIds) =>
      database.read((sql) => (sql(find).all(JSON.stringify(keyIds), time.nowMs()) as FoundKeyRow[]).map(toFoundKey)),
    markUsed: (keyIds, everyMs) =>
      write(({ sql, nowMs }) => {
        sql(markUsed).run(JSON.stringify(keyIds), nowMs, everyMs);
      }),
    anyValid: () => database.read((sql) => sql(anyValid).get(time.nowMs()) !== undefined),
  };
}
