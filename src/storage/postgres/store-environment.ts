import type pg from 'pg';
import { decideStamp, type StoreOpening, type StoreOwnership, type StorePlace } from '../store-environment-policy.ts';

async function hasRow(client: pg.Client, table: string): Promise<boolean> {
  const { rows } = await client.query<{ there: boolean }>('select to_regclass($1) is not null as there', [table]);
  return rows[0]?.there === true && (await client.query(`select from ${table} limit 1`)).rowCount === 1;
}

/** Whom the database belongs to, whatever the version of its schema. */
export async function readOwnership(client: pg.Client): Promise<StoreOwnership> {
  const rows = (await hasRow(client, 'store_environment'))
    ? (await client.query<{ name: string }>('select name from store_environment')).rows
    : [];
  return { stamp: rows[0]?.name ?? null, holdsRuns: await hasRow(client, 'runs') };
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
