import type { DatabaseSync } from 'node:sqlite';
import { type AppliedMigration, type Migration, pendingMigrations, readMigrationsIn } from '../migrations.ts';

const folder = new URL('./migrations/', import.meta.url);

/** The migrations that came with this version of the package, in order. */
export const readMigrations = (): Migration[] => readMigrationsIn(folder);

/**
 * Brings the schema up to date, each migration in a transaction of its own. Several processes may do so at once: the
 * next migration is chosen under the write lock. Returns the migrations that were applied here.
 *
 * @throws {StoreSetupError} when the schema is too new
 */
export function migrate(connection: DatabaseSync, migrations: readonly Migration[], nowMs: () => number): Migration[] {
  const applied: Migration[] = [];
  for (;;) {
    const migration = inTransaction(connection, () => applyNext(connection, migrations, nowMs()));
    if (migration === null) return applied;
    applied.push(migration);
  }
}

/** The steps that were applied to a database. */
function readApplied(connection: DatabaseSync): AppliedMigration[] {
  connection.exec(`create table if not exists schema_migrations (
    version integer primary key, name text not null, applied_at_ms integer not null, works_from integer) strict`);
  const columns = connection.prepare("select name from pragma_table_info('schema_migrations')").all();
  if (!columns.some(({ name }) => name === 'works_from'))
    connection.exec('alter table schema_migrations add column works_from integer');
  const rows = connection.prepare('select version, coalesce(works_from, version) as works_from from schema_migrations');
  return rows.all().map(({ version, works_from }) => ({ version: Number(version), worksFrom: Number(works_from) }));
}

function applyNext(connection: DatabaseSync, migrations: readonly Migration[], nowMs: number): Migration | null {
  const [next] = pendingMigrations('The data', readApplied(connection), migrations);
  if (next === undefined) return null;
  const { version, name, sql, worksFrom = null } = next;
  connection.exec(sql);
  connection
    .prepare('insert into schema_migrations (version, name, applied_at_ms, works_from) values (?, ?, ?, ?)')
    .run(version, name, nowMs, worksFrom);
  return next;
}

/** Does `work` in a transaction under the write lock, all or nothing. */
export function inTransaction<T>(connection: DatabaseSync, work: () => T): T {
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
