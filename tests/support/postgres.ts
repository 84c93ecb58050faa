import { createHash, randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { migrate, readMigrations } from '../../src/storage/postgres/migrate.ts';

/** A database of one test file. */
export type TestDatabase = {
  readonly url: string;
  /** Drops the database, and the connections that still use it. */
  [Symbol.asyncDispose](): Promise<void>;
};

// Any number that no other part of the tests uses: the lock under which one process makes the template.
const templateLock = 7_031_001;

async function withAdmin<T>(work: (admin: pg.Client) => Promise<T>): Promise<T> {
  const admin = new pg.Client({ connectionString: inject('postgresAdminUrl') });
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.end();
  }
}

function urlOf(database: string): string {
  const url = new URL(inject('postgresAdminUrl'));
  url.pathname = `/${database}`;
  return url.href;
}

/** Makes the template unless it is there; it gets its name last, so that a half-made one is never used. */
async function ensureTemplate(admin: pg.Client, name: string): Promise<void> {
  const { rowCount } = await admin.query('select from pg_database where datname = $1', [name]);
  if (rowCount === 1) return;
  const half = `${name}_half`;
  await admin.query(`drop database if exists ${half} with (force)`);
  await admin.query(`create database ${half}`);
  await migrate({ url: urlOf(half) });
  // No connections: Postgres refuses to copy a database that is in use.
  await admin.query(`alter database ${half} with allow_connections false`);
  await admin.query(`alter database ${half} rename to ${name}`);
}

/** Copies the template; only its making is under a lock. */
async function createMigrated(admin: pg.Client, name: string): Promise<void> {
  const schema = createHash('sha256').update(JSON.stringify(readMigrations())).digest('hex').slice(0, 16);
  const template = `agent_service_template_${schema}`;
  await admin.query('select pg_advisory_lock($1)', [templateLock]);
  await ensureTemplate(admin, template);
  await admin.query('select pg_advisory_unlock($1)', [templateLock]);
  await admin.query(`create database ${name} template ${template}`);
}

/**
 * A new database for one test file: with today's schema, copied from a template that is migrated once for all files, or
 * without any table. For `await using`, or to be disposed of in `afterAll`.
 */
export async function createTestDatabase(schema: 'migrated' | 'empty' = 'migrated'): Promise<TestDatabase> {
  const name = `agent_service_test_${randomBytes(8).toString('hex')}`;
  await withAdmin(async (admin) => {
    if (schema === 'migrated') await createMigrated(admin, name);
    else await admin.query(`create database ${name}`);
  });
  return {
    url: urlOf(name),
    [Symbol.asyncDispose]: () =>
      withAdmin(async (admin) => {
        await admin.query(`drop database if exists ${name} with (force)`);
      }),
  };
}
