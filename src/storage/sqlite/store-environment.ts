import type { DatabaseSync } from 'node:sqlite';
import { decideStamp, type StoreOpening, type StoreOwnership, type StorePlace } from '../store-environment-policy.ts';
import { inTransaction } from './migrate.ts';

const hasTable = (connection: DatabaseSync, name: string): boolean =>
  connection.prepare("select 1 from sqlite_schema where type = 'table' and name = ?").get(name) !== undefined;

/** Whom the data belongs to, whatever the version of the schema. */
export function readOwnership(connection: DatabaseSync): StoreOwnership {
  const row = hasTable(connection, 'store_environment')
    ? connection.prepare('select name from store_environment').get()
    : undefined;
  const holdsRuns =
    hasTable(connection, 'runs') && connection.prepare('select 1 from runs limit 1').get() !== undefined;
  return { stamp: row === undefined ? null : String(row.name), holdsRuns };
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
