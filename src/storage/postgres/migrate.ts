import { readdirSync, readFileSync } from 'node:fs';
import pg from 'pg';
import { StoreSetupError } from '../setup-error.ts';
import { connectionString, connectMs } from './connection.ts';
import { reasonOf } from './errors.ts';

/** One step of the schema: `migrations/<version>-<name>.sql`. */
export type Migration = { version: number; name: string; sql: string };

/** Which database is migrated, and to what. */
export type MigrateOptions = {
  /** A connection without a pooler between: the lock belongs to the connection. */
  url: string;
  /** What Postgres shows as the connection's name. */
  appName?: string;
  /** Defaults to those that came with this version of the package. */
  migrations?: readonly Migration[];
};

const folder = new URL('./migrations/', import.meta.url);

// A number of our own among the advisory locks of a database; whoever migrates holds it.
const migrationLock = 7_031_000;
/** How long to wait for another process that migrates. */
const lockWaitMs = 120_000;

/** The migrations that came with this version of the package, in order. */
export function readMigrations(): Migration[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file) => {
      const [, version, name] = /^(\d{3})-([a-z0-9-]+)\.sql$/.exec(file) ?? [];
      if (version === undefined || name === undefined) throw new Error(`${file} is not named like 001-name.sql`);
      return { version: Number(version), name, sql: readFileSync(new URL(file, folder), 'utf8') };
    });
}

async function versionOf(client: pg.Client): Promise<number> {
  await client.query(`create table if not exists schema_migrations (
    version integer primary key, name text not null, applied_at_ms bigint not null)`);
  const { rows } = await client.query<{ version: number }>(
    'select coalesce(max(version), 0) as version from schema_migrations',
  );
  return rows[0]?.version ?? 0;
}

async function apply(client: pg.Client, { version, name, sql }: Migration): Promise<void> {
  await client.query('begin');
  try {
    await client.query(sql);
    await client.query(
      `insert into schema_migrations (version, name, applied_at_ms)
       values ($1, $2, (extract(epoch from clock_timestamp()) * 1000)::bigint)`,
      [version, name],
    );
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => {}); // the connection may be what failed
    throw new StoreSetupError(`Migration ${version} (${name}) failed and left no trace: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

async function migrateOn(client: pg.Client, migrations: readonly Migration[]): Promise<Migration[]> {
  await client.query(`set lock_timeout = ${lockWaitMs}`);
  await client.query('select pg_advisory_lock($1)', [migrationLock]);
  const current = await versionOf(client);
  const known = migrations.at(-1)?.version ?? 0;
  if (current > known) {
    throw new StoreSetupError(
      `The database has schema version ${current}; this version of agent-service knows schema versions up to ${known}. ` +
        'Run the version that migrated it, or a newer one, or restore a backup.',
    );
  }
  const pending = migrations.filter(({ version }) => version > current);
  for (const migration of pending) await apply(client, migration);
  return pending;
}

/**
 * Brings the schema up to date, each migration in a transaction of its own. Processes that start together take turns,
 * and the second finds nothing left to do. Returns what was applied.
 *
 * @throws {StoreSetupError} when the schema is newer than the migrations, or when one fails
 * @throws {Error} from `pg` when the database cannot be reached
 */
export async function migrate({ url, appName, migrations = readMigrations() }: MigrateOptions): Promise<Migration[]> {
  const client = new pg.Client({
    connectionString: connectionString(url),
    application_name: appName,
    connectionTimeoutMillis: connectMs,
  });
  client.on('error', () => {}); // the query in flight rejects with it
  await client.connect();
  try {
    return await migrateOn(client, migrations);
  } finally {
    await client.end(); // ends the lock too
  }
}
