import { readdirSync, readFileSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { StoreSetupError } from '../setup-error.ts';

/** One step of the schema: a file `<version>-<name>.sql`. */
export type Migration = { version: number; name: string; sql: string };

const folder = new URL('./migrations/', import.meta.url);

/** The migrations that this version knows, in order. */
export function readMigrations(): Migration[] {
  return readdirSync(folder)
    .flatMap((file) => {
      const [, version, name] = /^(\d{3})-(.+)\.sql$/.exec(file) ?? [];
      if (version === undefined || name === undefined) return [];
      return [{ version: Number(version), name, sql: readFileSync(new URL(file, folder), 'utf8') }];
    })
    .sort((a, b) => a.version - b.version);
}

/**
 * Brings the schema up to date, each migration in a transaction of its own. Several processes may do so at once: the
 * next migration is chosen under the write lock. Returns the migrations that were applied here.
 *
 * @throws {StoreSetupError} if the schema is newer than `migrations` know
 */
export function migrate(connection: DatabaseSync, migrations: readonly Migration[], nowMs: () => number): Migration[] {
  const applied: Migration[] = [];
  for (;;) {
    const migration = inTransaction(connection, () => applyNext(connection, migrations, nowMs()));
    if (migration === null) return applied;
    applied.push(migration);
  }
}

function applyNext(connection: DatabaseSync, migrations: readonly Migration[], nowMs: number): Migration | null {
  connection.exec(
    'create table if not exists schema_migrations (version integer primary key, name text not null, applied_at_ms integer not null) strict',
  );
  const row = connection.prepare('select coalesce(max(version), 0) as version from schema_migrations').get();
  const current = Number(row?.version);
  const known = migrations.at(-1)?.version ?? 0;
  if (current > known) {
    throw new StoreSetupError(
      `The data has schema version ${current}; this version of agent-service knows schema versions up to ${known}. ` +
        'Run the version that wrote the data, or a newer one, or restore a backup.',
    );
  }
  const next = migrations.find(({ version }) => version > current);
  if (next === undefined) return null;
  connection.exec(next.sql);
  connection
    .prepare('insert into schema_migrations (version, name, applied_at_ms) values (?, ?, ?)')
    .run(next.version, next.name, nowMs);
  return next;
}

function inTransaction<T>(connection: DatabaseSync, work: () => T): T {
  connection.exec('begin immediate');
  try {
    const result = work();
    connection.exec('commit');
    return result;
  } catch (error) {
    if (connection.isTransaction) connection.exec('rollback');
    throw error;
  }
}
