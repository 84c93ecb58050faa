import type pg from 'pg';
import { type AppliedMigration, type Migration, pendingMigrations, readMigrationsIn } from '../migrations.ts';
import { StoreSetupError } from '../setup-error.ts';
import { newClient } from './client.ts';
import { reasonOf } from './errors.ts';
import { prepareSession } from './session.ts';

/** Which database is migrated, and to what. */
export type MigrateOptions = {
  /** A connection without a pooler in between: the lock belongs to the connection. */
  url: string;
  /** What Postgres shows as the connection's name. */
  appName?: string;
  /** Defaults to those that came with this version of the package. */
  migrations?: readonly Migration[];
  /** What is done on the same connection and under the same lock before the schema changes. Defaults to nothing. */
  before?(client: pg.Client): Promise<void>;
  /** The same, once the schema is up to date. */
  after?(client: pg.Client): Promise<void>;
};

const folder = new URL('./migrations/', import.meta.url);

// The number of an advisory lock that the migrating process holds.
const migrationLock = 7_031_000;
/** How long to wait for another process that migrates. */
const lockWaitMs = 120_000;

/** The migrations that came with this version of the package, in order. */
export const readMigrations = (): Migration[] => readMigrationsIn(folder);

const worksFromKnown = `select from pg_attribute
  where attrelid = 'schema_migrations'::regclass and attname = 'works_from' and not attisdropped`;

/** The steps that were applied to a database. */
async function readApplied(client: pg.Client): Promise<AppliedMigration[]> {
  await client.query(`create table if not exists schema_migrations (
    version integer primary key, name text not null, applied_at_ms bigint not null, works_from integer)`);
  // Checked first: altering a table waits for every transaction that reads it.
  if ((await client.query(worksFromKnown)).rowCount === 0)
    await client.query('alter table schema_migrations add column works_from integer');
  const { rows } = await client.query<AppliedMigration>(
    'select version, coalesce(works_from, version) as "worksFrom" from schema_migrations',
  );
  return rows;
}

async function apply(client: pg.Client, { version, name, sql, worksFrom }: Migration): Promise<void> {
  await client.query('begin');
  try {
    await client.query(sql);
    await client.query(
      `insert into schema_migrations (version, name, applied_at_ms, works_from)
       values ($1, $2, (extract(epoch from clock_timestamp()) * 1000)::bigint, $3)`,
      [version, name, worksFrom],
    );
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => {}); // the connection may be what failed
    throw new StoreSetupError(`Migration ${version} (${name}) failed and left no trace: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

async function migrateOn(client: pg.Client, options: MigrateOptions): Promise<Migration[]> {
  const { migrations = readMigrations(), before, after } = options;
  await prepareSession(client, { limited: false });
  await client.query(`set lock_timeout = ${lockWaitMs}`);
  await client.query('select pg_advisory_lock($1)', [migrationLock]);
  await before?.(client);
  const pending = pendingMigrations('The database', await readApplied(client), migrations);
  for (const migration of pending) await apply(client, migration);
  await after?.(client);
  return pending;
}

/**
 * Brings the schema up to date, each migration in a transaction of its own. Processes that start together take turns,
 * and the second finds nothing left to do. Returns what was applied.
 *
 * @throws {StoreSetupError} when the schema is too new, or when one fails
 * @throws {Error} from `pg` when the database cannot be reached
 */
export async function migrate(options: MigrateOptions): Promise<Migration[]> {
  const { url, appName } = options;
  const client = newClient(url, {
    application_name: appName,
  });
  client.on('error', () => {}); // the query in flight rejects with it
  await client.connect();
  try {
    return await migrateOn(client, options);
  } finally {
    await client.end(); // ends the lock too
  }
}
