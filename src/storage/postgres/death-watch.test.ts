import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createFakeClock } from '../../../tests/support/fake-clock.ts';
import { createTestDatabase, type TestDatabase } from '../../../tests/support/postgres.ts';
import { openPostgresStore, silent, type TestStore } from '../../../tests/support/postgres-store.ts';
import { openTcpRelay } from '../../../tests/support/tcp-relay.ts';
import { listen, live, poison, processInfo, start } from '../contract/fixture.contract.ts';
import { types } from './connection.ts';
import { createDeathWatch } from './death-watch.ts';
import { beatMs } from './listener.ts';

const leaseMs = 10_000;

let database: TestDatabase;
let admin: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  admin = new pg.Client({ connectionString: database.url, types });
  await admin.connect();
});

afterEach(() => admin.query('truncate processes, sessions, runs'));

afterAll(async () => {
  await admin.end();
  await database[Symbol.asyncDispose]();
});

/** A watch on a connection of its own, by a clock that the test moves; it has had a lease for long. */
async function openWatch(id = 'proc_watch') {
  const client = new pg.Client({ connectionString: database.url, types });
  await client.connect();
  const clock = createFakeClock();
  const found: string[] = [];
  const state = { upSinceMs: 0 as number | null };
  const watch = createDeathWatch({
    query: async (statement, values = []) => (await client.query({ ...statement, values })).rows,
    upSinceMs: () => state.upSinceMs,
    nowMs: () => clock.monotonicMs(),
    log: silent,
    onDeath: () => found.push(id),
  });
  await watch.hold(id, leaseMs);
  await clock.advance(leaseMs);
  return {
    watch,
    found,
    state,
    /** Lets time go by and looks. */
    async lookAfter(byMs: number): Promise<void> {
      await clock.advance(byMs);
      await watch.look();
    },
    [Symbol.asyncDispose]: () => client.end(),
  };
}

const leaseOf = async (id: string): Promise<number> =>
  (await admin.query('select lease_expires_at_ms - steady_ms() as left from processes where id = $1', [id])).rows[0]
    .left;

describe('a process that is killed', () => {
  let victim: TestStore;

  beforeEach(async () => {
    victim = await openPostgresStore(database.url);
    await live(victim, 'proc_victim');
  });

  afterEach(() => victim[Symbol.asyncDispose]());

  /** All connections close, and nobody says that the process goes: as when it is killed. */
  const kill = () => victim[Symbol.asyncDispose]();

  test('is found out after a second: its lease ends, and its runs are orphans', async () => {
    await using observer = await openWatch();
    await using store = await openPostgresStore(database.url);
    const run = await start(victim, { sessionId: null, ownerId: 'proc_victim' });
    await kill();
    await observer.lookAfter(0);
    await observer.lookAfter(1_000);
    expect(observer.found).toHaveLength(1);
    expect(await store.processes.heartbeat('proc_victim', leaseMs)).toBe(false);
    expect(await store.runs.recoverOrphans(poison, 10)).toMatchObject({ requeued: [{ id: run.id }] });
    await observer.lookAfter(5_000);
    expect(observer.found).toHaveLength(1);
  });

  test('is not found out at first sight, nor within a second', async () => {
    await using observer = await openWatch();
    await kill();
    for (const byMs of [0, 500, 499]) await observer.lookAfter(byMs);
    expect(observer.found).toEqual([]);
    expect(await leaseOf('proc_victim')).toBeGreaterThan(0);
  });

  test('is found out by one of those who watch, not by each', async () => {
    await using one = await openWatch('proc_one');
    await using other = await openWatch('proc_other');
    await kill();
    for (const byMs of [0, 1_000]) await Promise.all([one.lookAfter(byMs), other.lookAfter(byMs)]);
    expect([...one.found, ...other.found]).toHaveLength(1);
  });

  test('is left to its lease by those whose own connection is younger than a lease, as after a restart of the database', async () => {
    await using observer = await openWatch();
    observer.state.upSinceMs = leaseMs; // now
    await kill();
    for (let n = 0; n < 19; n += 1) await observer.lookAfter(500);
    expect(observer.found).toEqual([]);
    for (let n = 0; n < 3; n += 1) await observer.lookAfter(500);
    expect(observer.found).toHaveLength(1);
  });

  test('is left to its lease by those who have no lease themselves', async () => {
    await using observer = await openWatch();
    await observer.watch.release('proc_watch');
    await kill();
    for (let n = 0; n < 5; n += 1) await observer.lookAfter(500);
    expect(observer.found).toEqual([]);
  });

  test('is looked at anew by those who lost their connection between two looks', async () => {
    await using observer = await openWatch();
    await kill();
    await observer.lookAfter(0);
    expect(observer.watch.lost()).toEqual(['proc_watch']);
    await observer.watch.retake();
    await observer.lookAfter(1_000);
    expect(observer.found).toEqual([]);
    await observer.lookAfter(1_000);
    expect(observer.found).toHaveLength(1);
  });
});

describe('a process that lives', () => {
  const lookLong = async (observer: { lookAfter(byMs: number): Promise<void> }) => {
    for (let n = 0; n < 10; n += 1) await observer.lookAfter(500);
  };

  test('is left alone', async () => {
    await using observer = await openWatch();
    await using store = await openPostgresStore(database.url);
    await live(store, 'proc_1');
    await lookLong(observer);
    expect(observer.found).toEqual([]);
  });

  test('is left alone if it announced no lock, such as one that could not connect for it', async () => {
    await using observer = await openWatch();
    await using store = await openPostgresStore(database.url);
    await live(store, 'proc_1');
    await admin.query(`update processes set lock_key = null where id = 'proc_1'`);
    await store.stop(AbortSignal.timeout(10_000));
    await lookLong(observer);
    expect(observer.found).toEqual([]);
  });

  test('is left alone if it extends its lease between two looks, though its lock is gone', async () => {
    await using observer = await openWatch();
    await using store = await openPostgresStore(database.url);
    await live(store, 'proc_1');
    const [{ key }] = (await admin.query(`select lock_key::text as key from processes`)).rows as [{ key: string }];
    await store.stop(AbortSignal.timeout(10_000));
    for (let n = 0; n < 10; n += 1) {
      await admin.query('update processes set lease_expires_at_ms = lease_expires_at_ms + 1, lock_key = $1', [key]);
      await observer.lookAfter(1_000);
    }
    expect(observer.found).toEqual([]);
  });

  test('takes its lock again when its connection is cut, and is left alone', async () => {
    await using observer = await openWatch();
    await using store = await openPostgresStore(database.url);
    await store.processes.register(processInfo('proc_1'), 3_600_000);
    const run = await start(store, { sessionId: null, ownerId: 'proc_1' });
    using listener = listen(store);
    await observer.lookAfter(0);
    await admin.query(
      `select pg_terminate_backend(pid, 5000) from pg_stat_activity
        where datname = current_database() and application_name = 'agent-service signals'`,
    );
    await observer.lookAfter(500);
    await listener.until('claimable'); // it is connected again
    await lookLong(observer);
    expect(observer.found).toEqual([]);
    expect((await admin.query('select from processes where lock_key is not null')).rowCount).toBe(1);
    expect(await store.processes.heartbeat('proc_1', 3_600_000)).toBe(true);
    expect(await store.runs.recoverOrphans(poison, 10)).toMatchObject({ requeued: [] });
    expect(await store.runs.get(run.tenantId, run.id)).toEqual(run);
  });

  test('withdraws its lock while it cannot connect again, and is left to its lease', async () => {
    await using observer = await openWatch();
    await using relay = await openTcpRelay(database.url);
    await using store = await openPostgresStore(database.url, { directUrl: relay.url, random: () => 0 });
    await live(store, 'proc_1');
    const announced = async () =>
      (await admin.query(`select from processes where id = 'proc_1' and lock_key is not null`)).rowCount === 1;
    expect(await announced()).toBe(true);
    relay.refuse();
    while (await announced());
    await lookLong(observer);
    expect(observer.found).toEqual([]);
    expect(await store.processes.heartbeat('proc_1', 3_600_000)).toBe(true);
    expect(await announced()).toBe(false);
    using listener = listen(store);
    relay.accept();
    await listener.until('claimable');
    expect(await announced()).toBe(true);
  });
});

test('a store whose process has a lease looks by itself, and tells who listens that there are orphans', async () => {
  const clock = createFakeClock();
  await using store = await openPostgresStore(database.url, { clock });
  await store.processes.register(processInfo('proc_1'), leaseMs);
  await using victim = await openPostgresStore(database.url);
  await live(victim, 'proc_victim');
  const run = await start(victim, { sessionId: null, ownerId: 'proc_victim' });
  await victim.stop(AbortSignal.timeout(10_000));
  using listener = listen(store);
  while (!listener.heard.some(({ type }) => type === 'orphans')) {
    await clock.advance(beatMs);
    await store.ping(AbortSignal.timeout(10_000)); // let it look
  }
  expect(await store.runs.recoverOrphans(poison, 10)).toMatchObject({ requeued: [{ id: run.id }] });
});
