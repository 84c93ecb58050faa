import type { DatabaseSync } from 'node:sqlite';
import {
  areTenantsInUse,
  decideStamp,
  type StoreOpening,
  type StoreOwnership,
  type StorePlace,
  tablesInUse,
} from '../store-environment-policy.ts';
import { inTransaction } from './migrate.ts';

/** Rows of a table; none where the schema does not have it yet. */
function readRows(connection: DatabaseSync, table: string, limit: number): Record<string, unknown>[] {
  const isThere = connection.prepare("select 1 from sqlite_schema where type = 'table' and name = ?").get(table);
  return isThere === undefined ? [] : connection.prepare(`select * from ${table} limit ${limit}`).all();
}

function readHolds(connection: DatabaseSync): string | null {
  const found = tablesInUse.find(([table]) => readRows(connection, table, 1).length > 0);
  if (found !== undefined) return found[1];
  return areTenantsInUse(readRows(connection, 'tenants', 2)) ? 'budgets' : null; // one of two is not the default one
}

/** Whom the data belongs to, whatever the version of the schema. */
export function readOwnership(connection: DatabaseSync): StoreOwnership {
  const [row] = readRows(connection, 'store_environment', 1);
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
