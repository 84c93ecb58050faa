import { readdirSync, readFileSync } from 'node:fs';
import { StoreSetupError } from './setup-error.ts';

/** One step of the schema: a file `migrations/<version>-<name>.sql` of an engine. */
export type Migration = {
  version: number;
  name: string;
  sql: string;
  /**
   * The oldest program, by the schema version that it knows, that works on the schema after this step too. The file's
   * first line gives it, `-- Works from: <version>`. Defaults to the step's own version: no older program does.
   */
  worksFrom?: number;
};

/** The steps in a folder of an engine, in order. */
export function readMigrationsIn(folder: URL): Migration[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file) => {
      const [, version, name] = /^(\d{3})-([a-z0-9-]+)\.sql$/.exec(file) ?? [];
      if (version === undefined || name === undefined) throw new Error(`${file} is not named like 001-name.sql`);
      const sql = readFileSync(new URL(file, folder), 'utf8');
      const [, from] = /^-- Works from: (\d+)\n/.exec(sql) ?? [];
      const worksFrom = from === undefined ? {} : { worksFrom: Number(from) };
      return { version: Number(version), name, sql, ...worksFrom };
    });
}

/** A step as it is stored in the database. */
export type AppliedMigration = { version: number; worksFrom: number };

/**
 * Which of `migrations` are still to be applied to a schema. A program works on a newer schema too, if all steps that it
 * does not know allow that: then a process that crashes during an update starts again, and an update can be undone.
 *
 * @param subject the owner of the schema in messages, such as "The database"
 * @throws {StoreSetupError} when the schema is too new
 */
export function pendingMigrations(
  subject: string,
  applied: readonly AppliedMigration[],
  migrations: readonly Migration[],
): Migration[] {
  const current = Math.max(0, ...applied.map(({ version }) => version));
  const known = migrations.at(-1)?.version ?? 0;
  if (applied.some(({ version, worksFrom }) => version > known && worksFrom > known)) {
    throw new StoreSetupError(
      `${subject} has schema version ${current}; this version of agent-service knows schema versions up to ${known}. ` +
        'Run the version that migrated it, or a newer one, or restore a backup.',
    );
  }
  return migrations.filter(({ version }) => version > current);
}
