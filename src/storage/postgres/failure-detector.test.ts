import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createFakeClock } from '../../../tests/support/fake-clock.ts';
import { createTestDatabase, type TestDatabase } from '../../../tests/support/postgres.ts';
import { openPostgresStore, silent, type TestStore } from '../../../tests/support/postgres-store.ts';
import { openTcpRelay } from '../../../tests/support/tcp-relay.ts';
import { listen, live, poison, processInfo, start } from '../contract/fixture.contract.ts';
import { types } from './connection.ts';
import { createFailureDetector } from './failure-detector.ts';
import { heartbeatMs } from './listener.ts';
import { createProcessLocks, type DirectQuery } from './process-locks.ts';

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

/** A failure detector on a connection of its own, by a fake clock; it has had a lease for a whole lease time. */
async function openDetector(id = 'proc_detector') {
  const client = new pg.Client({ connectionString: database.url, types });
  await client.connect();
  const clock = createFakeClock();
  const found: string[] = [];
  const state = { upSinceMs: 0 as number | null };
  const query: DirectQuery = async (statement, values = []) => (await client.query({ ...statement, values })).rows;
  const locks = createProcessLocks(query);
  const detector = createFailureDetector({
    query,
    locks,
    upSinceMs: () => state.upSinceMs,
    nowMs: () => clock.monotonicMs(),
    log: silent,
    onProcessDead: () => found.push(id),
  });
  await locks.acquire(id, leaseMs);
  await clock.advance(leaseMs);
  return {
    detector,
    locks,
    found,
    state,
    /** Advances the clock and checks. */
    async checkAfter(byMs: number): Promise<void> {
      await clock.advance(byMs);
      await detector.check();
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

  /** All connections close, and the process is not unregistered: as when it is killed. */
  const kill = () => victim[Symbol.asyncDispose]();

  test('is declared dead after a second: its lease ends, and its runs are orphans', async () => {
    await using observer = await openDetector();
    await using store = await openPostgresStore(database.url);
    const run = await start(victim, { sessionId: null, ownerId: 'proc_victim' });
    await kill();
    await observer.checkAfter(0);
    await observer.checkAfter(1_000);
    expect(observer.found).toHaveLength(1);
    expect(await store.processes.heartbeat('proc_victim', leaseMs)).toBe(false);
    expect(await store.runs.recoverOrphans(poison, 10)).toMatchObject({ requeued: [{ id: run.id }] });
    await observer.checkAfter(5_000);
    expect(observer.found).toHaveLength(1);
  });

  test('is not declared dead by the first check, nor within a second', async () => {
    await using observer = await openDetector();
    await kill();
    for (const byMs of [0, 500, 499]) await observer.checkAfter(byMs);
    expect(observer.found).toEqual([]);
    expect(await leaseOf('proc_victim')).toBeGreaterThan(0);
  });

  test('is declared dead by one detector, not by each', async () => {
    await using one = await openDetector('proc_one');
    await using other = await openDetector('proc_other');
    await kill();
    for (const byMs of [0, 1_000]) await Promise.all([one.checkAfter(byMs), other.checkAfter(byMs)]);
    expect([...one.found, ...other.found]).toHaveLength(1);
  });

  test('keeps its lease for a detector whose connection is younger than a lease, as after a restart of the database', async () => {
    await using observer = await openDetector();
    observer.state.upSinceMs = leaseMs; // now
    await kill();
    for (let n = 0; n < 19; n += 1) await observer.checkAfter(500);
    expect(observer.found).toEqual([]);
    for (let n = 0; n < 3; n += 1) await observer.checkAfter(500);
    expect(observer.found).toHaveLength(1);
  });

  test('keeps its lease for a detector without a lease of its own', async () => {
    await using observer = await openDetector();
    await observer.locks.release('proc_detector');
    await kill();
    for (let n = 0; n < 5; n += 1) await observer.checkAfter(500);
    expect(observer.found).toEqual([]);
  });

  test('is suspected anew by a detector that lost its connection between two checks', async () => {
    await using observer = await openDetector();
    await kill();
    await observer.checkAfter(0);
    observer.detector.reset();
    expect(observer.locks.connectionLost()).toEqual(['proc_detector']);
    await observer.locks.reacquire();
    await observer.checkAfter(1_000);
    expect(observer.found).toEqual([]);
    await observer.checkAfter(1_000);
    expect(observer.found).toHaveLength(1);
  });
});

describe('a process that is alive', () => {
  const checkLong = async (observer: { checkAfter(byMs: number): Promise<void> }) => {
    for (let n = 0; n < 10; n += 1) await observer.checkAfter(500);
  };

  test('is not declared dead', async () => {
    await using observer = await openDetector();
    await using store = await openPostgresStore(database.url);
    await live(store, 'proc_1');
    await checkLong(observer);
    expect(observer.found).toEqual([]);
  });

  test('is not declared dead if it announced no lock, for instance since it could not connect', async () => {
    await using observer = await openDetector();
    await using store = await openPostgresStore(database.url);
    await live(store, 'proc_1');
    await admin.query(`update processes set lock_key = null where id = 'proc_1'`);
    await store.stop(AbortSignal.timeout(10_000));
    await checkLong(observer);
    expect(observer.found).toEqual([]);
  });

  test('is not declared dead if it extends its lease between two checks, though its lock is free', async () => {
    await using observer = await openDetector();
    await using store = await openPostgresStore(database.url);
    await live(store, 'proc_1');
    const [{ key }] = (await admin.query(`select lock_key::text as key from processes`)).rows as [{ key: string }];
    await store.stop(AbortSignal.timeout(10_000));
    for (let n = 0; n < 10; n += 1) {
      await admin.query('update processes set lease_expires_at_ms = lease_expires_at_ms + 1, lock_key = $1', [key]);
      await observer.checkAfter(1_000);
    }
    expect(observer.found).toEqual([]);
  });

  test('takes its lock again when its connection is cut, and is not declared dead', async () => {
    await using observer = await openDetector();
    await using store = await openPostgresStore(database.url);
    await store.processes.register(processInfo('proc_1'), 3_600_000);
    const run = await start(store, { sessionId: null, ownerId: 'proc_1' });
    using listener = listen(store);
    await observer.checkAfter(0);
    await admin.query(
      `select pg_terminate_backend(pid, 5000) from pg_stat_activity
        where datname = current_database() and application_name = 'agent-service signals'`,
    );
    await observer.checkAfter(500);
    await listener.until('claimable'); // it is connected again
    await checkLong(observer);
    expect(observer.found).toEqual([]);
    expect((await admin.query('select from processes where lock_key is not null')).rowCount).toBe(1);
    expect(await store.processes.heartbeat('proc_1', 3_600_000)).toBe(true);
    expect(await store.runs.recoverOrphans(poison, 10)).toMatchObject({ requeued: [] });
    expect(await store.runs.get(run.tenantId, run.id)).toEqual(run);
  });

  test('withdraws its lock while it cannot connect again, and keeps its lease', async () => {
    await using observer = await openDetector();
    await using relay = await openTcpRelay(database.url);
    await using store = await openPostgresStore(database.url, { directUrl: relay.url, random: () => 0 });
    await live(store, 'proc_1');
    const announced = async () =>
      (await admin.query(`select from processes where id = 'proc_1' and lock_key is not null`)).rowCount === 1;
    expect(await announced()).toBe(true);
    relay.refuse();
    while (await announced());
    await checkLong(observer);
    expect(observer.found).toEqual([]);
    expect(await store.processes.heartbeat('proc_1', 3_600_000)).toBe(true);
    expect(await announced()).toBe(false);
    using listener = listen(store);
    relay.accept();
    await listener.until('claimable');
    expect(await announced()).toBe(true);
  });
});

test('a store whose process has a lease checks by itself, and signals that there are orphans', async () => {
  const clock = createFakeClock();
  await using store = await openPostgresStore(database.url, { clock });
  await store.processes.register(processInfo('proc_1'), leaseMs);
  await using victim = await openPostgresStore(database.url);
  await live(victim, 'proc_victim');
  const run = await start(victim, { sessionId: null, ownerId: 'proc_victim' });
  await victim.stop(AbortSignal.timeout(10_000));
  using listener = listen(store);
  while (!listener.heard.some(({ type }) => type === 'orphans')) {
    await clock.advance(heartbeatMs);
    await store.ping(AbortSignal.timeout(10_000)); // let it check
  }
  expect(await store.runs.recoverOrphans(poison, 10)).toMatchObject({ requeued: [{ id: run.id }] });
});
