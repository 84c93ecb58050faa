import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import type { Migration } from '../migrations.ts';
import { finalStatuses, runModes, runStatuses, stepKinds, stepStatuses } from '../port/index.ts';
import { migrate, readMigrations } from './migrate.ts';

const first: Migration = { version: 1, name: 'one', sql: 'create table one (a)' };
const second: Migration = { version: 2, name: 'two', sql: 'create table two (a)' };
const broken: Migration = { version: 2, name: 'broken', sql: 'create table two (a); insert into nowhere values (1)' };

const now = () => 1234;
const versionsOf = (connection: DatabaseSync) =>
  connection.prepare('select version, name, applied_at_ms from schema_migrations order by version').all();
const tablesOf = (connection: DatabaseSync) =>
  connection
    .prepare("select name from sqlite_master where type = 'table' and name <> 'schema_migrations' order by name")
    .all()
    .map(({ name }) => name);

describe('the migrations', () => {
  test('of this version are numbered from 1 without gaps', () => {
    const versions = readMigrations().map(({ version }) => version);
    expect(versions.length).toBeGreaterThan(0);
    expect(versions).toEqual(versions.map((_, index) => index + 1));
  });

  test('say which older programs work on the schema after them', () => {
    // The first ones are older than this habit.
    const silent = readMigrations().slice(4);
    expect(silent.filter(({ worksFrom }) => worksFrom === undefined)).toEqual([]);
  });

  test('bring an empty database to the newest schema, and a second time change nothing', () => {
    using connection = new DatabaseSync(':memory:');
    const all = readMigrations();
    expect(migrate(connection, all, now)).toEqual(all);
    const before = connection.prepare('select * from sqlite_master').all();
    expect(migrate(connection, all, now)).toEqual([]);
    expect(connection.prepare('select * from sqlite_master').all()).toEqual(before);
    expect(versionsOf(connection)).toHaveLength(all.length);
  });

  test('go on from where a database stands', () => {
    using connection = new DatabaseSync(':memory:');
    expect(migrate(connection, [first], now)).toEqual([first]);
    expect(migrate(connection, [first, second], now)).toEqual([second]);
    expect(versionsOf(connection)).toEqual([
      { version: 1, name: 'one', applied_at_ms: 1234 },
      { version: 2, name: 'two', applied_at_ms: 1234 },
    ]);
  });

  test('that fail leave the schema before them whole', () => {
    using connection = new DatabaseSync(':memory:');
    expect(() => migrate(connection, [first, broken], now)).toThrow('nowhere');
    expect(tablesOf(connection)).toEqual(['one']);
    expect(connection.isTransaction).toBe(false);
    expect(migrate(connection, [first, second], now)).toEqual([second]);
  });

  test('refuse a database that a newer version wrote, and name both versions', () => {
    using connection = new DatabaseSync(':memory:');
    migrate(connection, [first, second], now);
    expect(() => migrate(connection, [first], now)).toThrow(/schema version 2; .* schema versions up to 1\./);
    expect(tablesOf(connection)).toEqual(['one', 'two']);
  });
});

describe('a database that a newer version wrote', () => {
  test('is used as it is if it says that older programs work on it', () => {
    using connection = new DatabaseSync(':memory:');
    migrate(connection, [first, { ...second, worksFrom: 1 }], now);
    expect(migrate(connection, [first], now)).toEqual([]);
    migrate(connection, [first, second, { version: 3, name: 'three', sql: 'drop table one' }], now);
    expect(() => migrate(connection, [first], now)).toThrow(/schema version 3; .* schema versions up to 1\./);
  });

  test('is refused if it says nothing of older programs', () => {
    using connection = new DatabaseSync(':memory:');
    connection.exec(
      'create table schema_migrations (version integer primary key, name text not null, applied_at_ms integer not null)',
    );
    connection.exec("insert into schema_migrations values (1, 'one', 0), (2, 'two', 0)");
    expect(migrate(connection, [first, second], now)).toEqual([]);
    expect(() => migrate(connection, [first], now)).toThrow(/schema version 2;/);
  });
});

describe('the schema', () => {
  const tryInsert = (status: string, mode: string, owner = status === 'running' ? 'p' : null) => {
    using connection = new DatabaseSync(':memory:');
    migrate(connection, readMigrations(), now);
    const finishedAtMs = finalStatuses.some((each) => each === status) ? 1 : null;
    connection
      .prepare(
        `insert into runs (id, tenant_id, status, mode, agent, simulated, message, metadata, attempt, owner_id,
           timeout_ms, request_id, app_version, sdk_version, created_at_ms, started_at_ms, finished_at_ms, deadline_at_ms)
         values ('run_1', 't', ?, ?, 'a', 0, '""', '{}', 1, ?, 1, 'r', '1', '1', 1, 1, ?, 1)`,
      )
      .run(status, mode, owner, finishedAtMs);
    return connection.prepare('select count(*) as n from runs').get();
  };

  test('knows every status and mode of a run, and no other', () => {
    for (const status of runStatuses) expect(tryInsert(status, 'blocking')).toEqual({ n: 1 });
    for (const mode of runModes) expect(tryInsert('running', mode)).toEqual({ n: 1 });
    expect(() => tryInsert('paused', 'blocking')).toThrow('CHECK');
    expect(() => tryInsert('running', 'later')).toThrow('CHECK');
  });

  test('gives a process to a run that is running, and to no other', () => {
    expect(() => tryInsert('running', 'blocking', null)).toThrow('CHECK');
    for (const status of runStatuses.filter((each) => each !== 'running')) {
      expect(() => tryInsert(status, 'blocking', 'p')).toThrow('CHECK');
    }
  });

  test('knows every kind and status of a step, and no other', () => {
    using connection = new DatabaseSync(':memory:');
    migrate(connection, readMigrations(), now);
    connection.exec('pragma foreign_keys = off');
    const insert = connection.prepare(`
      insert into steps (run_id, step, tenant_id, key, kind, scope, name, status, attempt, started_at_ms)
      values ('run_1', ?, 't', ?, ?, '', 'n', ?, 1, 1)`);
    let n = 0;
    const tryStep = (kind: string, status: string) => {
      n += 1;
      return insert.run(n, `${n}`, kind, status).changes;
    };
    for (const kind of stepKinds) for (const status of stepStatuses) expect(tryStep(kind, status)).toBe(1);
    expect(() => tryStep('thought', 'started')).toThrow('CHECK');
    expect(() => tryStep('tool_call', 'paused')).toThrow('CHECK');
  });

  test('gives every row that belongs to a tenant its tenant', () => {
    using connection = new DatabaseSync(':memory:');
    migrate(connection, readMigrations(), now);
    const withoutTenant = tablesOf(connection).filter((table) => {
      const columns = connection.prepare(`select name from pragma_table_info('${table}')`).all();
      return !columns.some(({ name }) => name === 'tenant_id');
    });
    expect(withoutTenant).toEqual([
      'claim_turn',
      'processes',
      'provider_notes',
      'provider_shares',
      'rate_limits',
      'store_environment',
      'tenants',
    ]);
    expect(connection.prepare('select id from tenants').all()).toEqual([{ id: 'default' }]);
  });
});
