import type { DatabaseSync } from 'node:sqlite';
import {
  decideStamp,
  hasBudget,
  type StoreOpening,
  type StoreOwnership,
  type StorePlace,
  tablesInUse,
} from '../store-environment-policy.ts';
import { inTransaction } from './migrate.ts';

/** A row of a table; undefined for none, also where the schema does not have the table yet. */
function readRow(connection: DatabaseSync, table: string, where = 'true'): Record<string, unknown> | undefined {
  const isThere = connection.prepare("select 1 from sqlite_schema where type = 'table' and name = ?").get(table);
  return isThere === undefined ? undefined : connection.prepare(`select * from ${table} where ${where} limit 1`).get();
}

function readHolds(connection: DatabaseSync): string | null {
  const found = tablesInUse.find(([table]) => readRow(connection, table) !== undefined);
  if (found !== undefined) return found[1];
  const condition = hasBudget(Object.keys(readRow(connection, 'tenants') ?? {}));
  return condition !== null && readRow(connection, 'tenants', condition) !== undefined ? 'budgets' : null;
}

/** Whom the data belongs to, whatever the version of the schema. */
export function readOwnership(connection: DatabaseSync): StoreOwnership {
  const row = readRow(connection, 'store_environment');
  return { stamp: row === undefined ? null : String(row.name), holds: readHolds(connection) };
}

/**
 * Stamps the data for the environment that opens it, if it has no stamp. Several processes may do so at once: one wins,
 * under the write lock, and the others are checked against its stamp.
 *
 * @throws {StoreSetupError} where the data is of another environment
 */
export function stampStore(
  connection: DatabaseSync,
  opening: StoreOpening,
  place: StorePlace,
  nowMs: number,
): string | null {
  return inTransaction(connection, () => {
    const environment = decideStamp(opening, readOwnership(connection), place);
    if (environment !== null) {
      connection
        .prepare('insert into store_environment (one, name, stamped_at_ms) values (1, ?, ?)')
        .run(environment, nowMs);
    }
    return environment;
  });
}
