import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/support/postgres.ts';
import { openPostgresStore, type TestStore } from '../../../tests/support/postgres-store.ts';
import { claimIds, claimOne, handBack, processInfo, queue, start } from '../contract/fixture.contract.ts';
import { readMigrations } from './migrate.ts';

// Several versions of an application at once, which there are on Postgres alone.
let database: TestDatabase;
let store: TestStore;
let admin: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  store = await openPostgresStore(database.url);
  admin = new pg.Client({ connectionString: database.url });
  await admin.connect();
});
afterEach(() => admin.query('truncate processes, sessions, session_items, runs, steps, events, idempotency_keys'));
afterAll(async () => {
  await admin.end();
  await store[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

type Process = { agents?: string[]; appVersion?: string; leaseMs?: number };

/** Registers a process of these agents and this version. */
const register = (id: string, { agents = ['triage'], appVersion = '1', leaseMs = 3_600_000 }: Process = {}) =>
  store.processes.register({ ...processInfo(id), agents, appVersion }, leaseMs);

const asVersion = (version: string) => claimIds(store, { version });
const withAgents = (...agents: string[]) => claimIds(store, { agents });

describe('a run of an agent that a process does not have', () => {
  test('is left to a live process that has it', async () => {
    const run = await queue(store, { agent: 'orders' });
    await register('proc_orders', { agents: ['triage', 'orders'] });
    expect(await withAgents('triage')).toEqual([]);
    expect(await withAgents('orders')).toEqual([run.id]);
  });

  test('is left to a live process without a list of agents, as processes of earlier versions', async () => {
    await queue(store, { agent: 'orders' });
    await register('proc_old');
    await admin.query('update processes set agents = null');
    expect(await withAgents('triage')).toEqual([]);
  });

  test.each([
    { change: 'is unregistered', end: () => store.processes.unregister('proc_orders') },
    { change: 'claims no more', end: () => store.processes.stopClaiming('proc_orders') },
    { change: 'has lost its lease', end: () => register('proc_orders', { agents: ['orders'], leaseMs: -1 }) },
  ])('is claimed by any process once the last one that has it $change, so that it is reported', async ({ end }) => {
    const run = await queue(store, { agent: 'orders' });
    await register('proc_orders', { agents: ['orders'] });
    await end();
    expect(await withAgents('triage')).toEqual([run.id]);
  });

  test('does not block the runs behind it', async () => {
    await register('proc_orders', { agents: ['orders'] });
    for (let n = 0; n < 5; n += 1) await queue(store, { agent: 'orders', sessionId: null });
    const mine = await queue(store, { sessionId: null });
    expect(await withAgents('triage')).toEqual([mine.id]);
  });
});

describe('a run that has begun', () => {
  const begun = async () => {
    const run = await start(store, { appVersion: '1' });
    await handBack(store, run);
    return run;
  };

  test('goes on in any version, unless versions are to be kept apart', async () => {
    await register('proc_1');
    const run = await begun();
    expect(await claimIds(store)).toEqual([run.id]);
  });

  test('is left to its own version for as long as a process of that lives and claims', async () => {
    await register('proc_1');
    const run = await begun();
    expect(await asVersion('2')).toEqual([]);
    await store.processes.stopClaiming('proc_1');
    expect(await asVersion('2')).toEqual([run.id]);
  });

  test('is claimed by its own version', async () => {
    await register('proc_1');
    const run = await begun();
    expect(await asVersion('1')).toEqual([run.id]);
  });

  test('is another matter than one that has not, which is of no version', async () => {
    await register('proc_1');
    const run = await queue(store, { appVersion: '1' });
    expect(await asVersion('2')).toEqual([run.id]);
  });
});

test('processes of the version before claim and announce themselves as they did', async () => {
  await admin.query(
    `insert into processes (id, host, pid, app_version, sdk_version, registered_at_ms, lease_expires_at_ms)
     values ('proc_old', 'h', 1, '0', '0', now_ms(), steady_ms() + 60000)`,
  );
  const run = await queue(store, { agent: 'orders' });
  const { rows } = await admin.query<{ id: string }>("select id from claim_runs('proc_old', 10, 10, true)");
  expect(rows.map(({ id }) => id)).toEqual([run.id]);
});

test('a process that is taken over by another version leaves its runs to both', async () => {
  await register('proc_1', { leaseMs: -1 });
  await start(store, { ownerId: 'proc_1', appVersion: '1' });
  await store.runs.recoverOrphans({ code: 'poisoned', detail: '', retryable: false }, 10);
  expect((await claimOne(store)).attempt).toBe(2);
});

test('schema changes only add, so that the version before works on', () => {
  const changes = readMigrations().slice(3);
  // A check may be dropped to be added again: it then allows more.
  for (const { name, sql } of changes)
    expect(sql, name).not.toMatch(/\bdrop (?!constraint \w+_check;)|\balter column\b|\brename\b/i);
});
