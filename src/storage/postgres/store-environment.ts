import type pg from 'pg';
import {
  decideStamp,
  hasBudget,
  type StoreOpening,
  type StoreOwnership,
  type StorePlace,
  tablesInUse,
} from '../store-environment-policy.ts';

/** A row of a table; undefined for none, also where the schema does not have the table yet. */
async function readRow(client: pg.Client, table: string, where = 'true'): Promise<Record<string, unknown> | undefined> {
  const { rows } = await client.query<{ there: boolean }>('select to_regclass($1) is not null as there', [table]);
  if (rows[0]?.there !== true) return undefined;
  return (await client.query<Record<string, unknown>>(`select * from ${table} where ${where} limit 1`)).rows[0];
}

async function readHolds(client: pg.Client): Promise<string | null> {
  for (const [table, holds] of tablesInUse) if ((await readRow(client, table)) !== undefined) return holds;
  const condition = hasBudget(Object.keys((await readRow(client, 'tenants')) ?? {}));
  return condition !== null && (await readRow(client, 'tenants', condition)) !== undefined ? 'budgets' : null;
}

/** Whom the database belongs to, whatever the version of its schema. */
export async function readOwnership(client: pg.Client): Promise<StoreOwnership> {
  const row = await readRow(client, 'store_environment');
  return { stamp: row === undefined ? null : String(row.name), holds: await readHolds(client) };
}

/**
 * Stamps the database for the environment that opens it, if it has no stamp. Several processes may do so at once: one
 * wins, and the others are checked against its stamp.
 *
 * @throws {StoreSetupError} where the database is of another environment
 */
export async function stampStore(client: pg.Client, opening: StoreOpening, place: StorePlace): Promise<string | null> {
  const environment = decideStamp(opening, await readOwnership(client), place);
  if (environment === null) return null;
  const { rowCount } = await client.query(
    `insert into store_environment (one, name, stamped_at_ms)
     values (1, $1, (extract(epoch from clock_timestamp()) * 1000)::bigint) on conflict do nothing`,
    [environment],
  );
  return rowCount === 1 ? environment : decideStamp(opening, await readOwnership(client), place);
}
