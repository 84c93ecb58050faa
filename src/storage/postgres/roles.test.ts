import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/support/postgres.ts';
import { openPostgresStore, type TestStore } from '../../../tests/support/postgres-store.ts';
import { claimIds, handBack, live, processInfo, queue, start } from '../contract/fixture.contract.ts';

// Processes of several roles, which there are on Postgres alone.
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

/** Announces a process that leaves runs in the background to others. */
const announceApi = (more: { agents?: string[]; appVersion?: string } = {}) =>
  store.processes.register({ ...processInfo('proc_api'), background: false, ...more }, 3_600_000);

const inBackground = { mode: 'background', sessionId: null } as const;

describe('a process that leaves runs in the background to others', () => {
  test('is left no run of its agents: another process claims them, so that they are reported', async () => {
    await announceApi({ agents: ['orders'] });
    const run = await queue(store, { ...inBackground, agent: 'orders' });
    expect(await claimIds(store, { agents: ['triage'] })).toEqual([run.id]);
  });

  test('is left every other run of an agent that only it has', async () => {
    await announceApi({ agents: ['orders'] });
    const run = await queue(store, { agent: 'orders' });
    expect(await claimIds(store, { agents: ['triage'] })).toEqual([]);
    expect(await claimIds(store, { agents: ['orders'], backgroundMax: 0 })).toEqual([run.id]);
  });

  test.each([
    { mode: 'background', leaves: false },
    { mode: 'blocking', leaves: true },
  ] as const)('keeps a $mode run of its version from other versions: $leaves', async ({ mode, leaves }) => {
    await announceApi({ appVersion: '1' });
    const run = await start(store, { appVersion: '1', mode });
    await handBack(store, run);
    expect(await claimIds(store, { version: '2' })).toEqual(leaves ? [] : [run.id]);
  });
});

describe('background runs that no process claims', () => {
  test('are counted while no process claims such runs, and only those that are due', async () => {
    await announceApi();
    await queue(store, inBackground);
    await queue(store, inBackground);
    await queue(store, { ...inBackground, runAtMs: Date.UTC(2200, 0) });
    await queue(store);
    expect(await store.runs.countUnclaimed()).toBe(2);
  });

  test('are none once a process claims them, though it be busy', async () => {
    await announceApi();
    await queue(store, inBackground);
    await live(store, 'proc_worker');
    expect(await store.runs.countUnclaimed()).toBe(0);
  });

  test.each([
    { who: 'has gone', end: () => store.processes.unregister('proc_worker') },
    { who: 'claims no more', end: () => store.processes.stopClaiming('proc_worker') },
  ])('are counted again when the last process that claimed them $who', async ({ end }) => {
    await live(store, 'proc_worker');
    await queue(store, inBackground);
    await end();
    expect(await store.runs.countUnclaimed()).toBe(1);
  });
});
