import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import { expect, test } from 'vitest';
import { createTestDatabase } from '../../../tests/support/postgres.ts';
import type { Migration } from '../migrations.ts';
import { migrate as migrateEmbedded, readMigrations as readEmbeddedMigrations } from '../sqlite/migrate.ts';
import { migrate, readMigrations } from './migrate.ts';

const shipped = readMigrations();
const latest = shipped.at(-1)?.version ?? 0;

async function query<T extends pg.QueryResultRow>(url: string, text: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<T>(text).finally(() => client.end());
  return rows;
}

test('migrations are numbered from 1 without gaps', () => {
  expect(shipped.map(({ version }) => version)).toEqual(shipped.map((_, index) => index + 1));
});

test('migrations say which older programs work on the schema after them', () => {
  // The first ones are older than this habit.
  expect(shipped.slice(6).filter(({ worksFrom }) => worksFrom === undefined)).toEqual([]);
});

test('an empty database gets the whole schema, and a second start changes nothing', async () => {
  await using database = await createTestDatabase('empty');
  expect((await migrate({ url: database.url })).map(({ version }) => version)).toEqual(
    shipped.map(({ version }) => version),
  );
  const before = await query(database.url, 'select * from schema_migrations order by version');
  expect(await migrate({ url: database.url })).toEqual([]);
  expect(await query(database.url, 'select * from schema_migrations order by version')).toEqual(before);
  expect(before).toHaveLength(shipped.length);
});

test('processes that start together apply each migration once', async () => {
  await using database = await createTestDatabase('empty');
  const outcomes = await Promise.all(Array.from({ length: 6 }, () => migrate({ url: database.url })));
  expect(outcomes.flat().map(({ version }) => version)).toEqual(shipped.map(({ version }) => version));
});

test('an older schema is brought up to date without touching what it holds', async () => {
  await using database = await createTestDatabase('empty');
  const first: Migration = { version: 1, name: 'first', sql: `create table notes as select 'kept' as note` };
  const second: Migration = { version: 2, name: 'second', sql: 'alter table notes add column about text' };
  await migrate({ url: database.url, migrations: [first] });
  expect(await migrate({ url: database.url, migrations: [first, second] })).toEqual([second]);
  expect(await query(database.url, 'select * from notes')).toEqual([{ note: 'kept', about: null }]);
});

test('a schema that is newer than the program is refused with both versions, and left as it is', async () => {
  await using database = await createTestDatabase();
  await query(database.url, `insert into schema_migrations values (${latest + 7}, 'from-the-future', 0)`);
  await expect(migrate({ url: database.url })).rejects.toThrow(
    `The database has schema version ${latest + 7}; this version of agent-service knows schema versions up to ${latest}.`,
  );
});

test('a schema that is newer, and says that older programs work on it, is used by one as it is', async () => {
  await using database = await createTestDatabase('empty');
  const first: Migration = { version: 1, name: 'first', sql: 'create table notes (note text)' };
  const second: Migration = { version: 2, name: 'second', sql: 'alter table notes add about text', worksFrom: 1 };
  const third: Migration = { version: 3, name: 'third', sql: 'alter table notes drop note' };
  await migrate({ url: database.url, migrations: [first, second] });
  expect(await migrate({ url: database.url, migrations: [first] })).toEqual([]);
  await migrate({ url: database.url, migrations: [first, second, third] });
  await expect(migrate({ url: database.url, migrations: [first] })).rejects.toThrow('has schema version 3');
});

test('a migration table of a version that did not say which programs work on it is understood', async () => {
  await using database = await createTestDatabase('empty');
  const first: Migration = { version: 1, name: 'first', sql: 'create table notes (note text)' };
  await query(
    database.url,
    'create table schema_migrations (version integer primary key, name text not null, applied_at_ms bigint not null)',
  );
  await query(database.url, `insert into schema_migrations values (1, 'first', 0)`);
  expect(await migrate({ url: database.url, migrations: [first] })).toEqual([]);
  await expect(migrate({ url: database.url, migrations: [] })).rejects.toThrow('has schema version 1');
});

test('a migration that fails leaves nothing of itself, and can be tried again', async () => {
  await using database = await createTestDatabase('empty');
  const broken: Migration = { version: 1, name: 'broken', sql: 'create table half (id integer); select 1 / 0;' };
  await expect(migrate({ url: database.url, migrations: [broken] })).rejects.toThrow('Migration 1 (broken) failed');
  expect(await query(database.url, `select to_regclass('half') as half`)).toEqual([{ half: null }]);
  const mended: Migration = { version: 1, name: 'mended', sql: 'create table whole (id integer);' };
  expect(await migrate({ url: database.url, migrations: [mended] })).toEqual([mended]);
});

test('ids sort by their bytes, whatever the language of the database', async () => {
  await using database = await createTestDatabase();
  const ids = `column_name in ('id', 'tenant_id', 'session_id', 'run_id', 'owner_id', 'active_run_id')`;
  const columns = await query<{ collation: string | null }>(
    database.url,
    `select collation_name as collation from information_schema.columns where table_schema = 'public' and ${ids}`,
  );
  expect(new Set(columns.map(({ collation }) => collation))).toEqual(new Set(['C']));
});

test('the embedded store and Postgres keep the same tables and columns, but for what only one of them needs', async () => {
  await using database = await createTestDatabase();
  const columns = await query<{ name: string }>(
    database.url,
    `select table_name || '.' || column_name as name from information_schema.columns
      where table_schema = 'public' and table_name <> 'steady_time'`,
  );
  const embedded = new DatabaseSync(':memory:');
  migrateEmbedded(embedded, readEmbeddedMigrations(), () => 0);
  const tables = embedded.prepare(
    `select m.name || '.' || c.name as name from sqlite_schema m, pragma_table_info(m.name) c
      where m.type = 'table' and m.name <> 'claim_turn' and c.name <> 'boot_id'`,
  );
  const names = (rows: { name?: unknown }[]) => rows.map(({ name }) => String(name)).sort();
  expect(names(columns)).toEqual(names(tables.all()));
});
