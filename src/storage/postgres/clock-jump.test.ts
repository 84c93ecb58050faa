import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/support/postgres.ts';
import { openPostgresStore, type TestStore } from '../../../tests/support/postgres-store.ts';
import { claim, handBack, live, poison, processInfo, queue, start, tenant } from '../contract/fixture.contract.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const leaseMs = 10_000;

let database: TestDatabase;
let admin: pg.Client;
let store: TestStore;

beforeAll(async () => {
  database = await createTestDatabase();
  admin = new pg.Client({ connectionString: database.url });
  await admin.connect();
  store = await openPostgresStore(database.url);
});

afterEach(async () => {
  await setClock(0);
  await admin.query('truncate processes, sessions, session_items, runs, steps, events');
});

afterAll(async () => {
  await store?.[Symbol.asyncDispose]();
  await admin.end();
  await database[Symbol.asyncDispose]();
});

/** Sets the database's clock, by so much off the machine's. */
async function setClock(offMs: number): Promise<void> {
  await admin.query(`create or replace function now_ms() returns bigint language sql volatile
    return floor(extract(epoch from clock_timestamp()) * 1000)::bigint + ${offMs}`);
}

/** Lets `byMs` go by as if they had, with a look at the clock each second, as live processes take it. */
async function pass(byMs: number): Promise<void> {
  await admin.query('update steady_time set steady_at_ms = steady_at_ms + $1', [byMs]);
}

const requeued = async (): Promise<string[]> =>
  (await store.runs.recoverOrphans(poison, 10)).requeued.map(({ id }) => id);

const leftMs = async (): Promise<number> => (await claim(store))[0]?.remainingMs ?? Number.NaN;

for (const [way, byMs] of Object.entries({ forward: hourMs, back: -hourMs })) {
  describe(`when the database's clock is set an hour ${way}`, () => {
    test('a live process keeps its lease and its runs', async () => {
      await store.processes.register(processInfo('proc_1'), leaseMs);
      const run = await start(store, { ownerId: 'proc_1' });
      for (const offMs of [byMs, 0, byMs]) {
        await setClock(offMs);
        expect(await requeued()).toEqual([]);
        expect(await store.processes.forgetDead(0)).toBe(0);
        expect(await store.processes.heartbeat('proc_1', leaseMs)).toBe(true);
      }
      expect(await store.runs.get(tenant, run.id)).toEqual(run);
    });

    test('the lease of a process that is dead ends when it would have, to the second', async () => {
      await live(store, 'proc_observer');
      await store.processes.register(processInfo('proc_dead'), leaseMs);
      const run = await start(store, { ownerId: 'proc_dead' });
      await setClock(byMs);
      expect(await store.processes.heartbeat('proc_observer', hourMs)).toBe(true);
      await pass(leaseMs - 2_000);
      expect(await requeued()).toEqual([]);
      await pass(3_000); // a jump back takes less than a second from the steady time
      expect(await requeued()).toEqual([run.id]);
      expect(await store.processes.heartbeat('proc_dead', leaseMs)).toBe(false);
      expect(await store.processes.heartbeat('proc_observer', hourMs)).toBe(true);
    });

    test('a run that is executed, orphaned or queued has the same remaining time', async () => {
      const timeoutMs = 10 * minuteMs;
      await queue(store, { timeoutMs, sessionId: null });
      await setClock(byMs);
      await pass(minuteMs);
      expect(await leftMs()).toBeGreaterThan(8 * minuteMs);
      const executed = await start(store, { timeoutMs, sessionId: null });
      await setClock(0);
      await pass(5 * minuteMs);
      await handBack(store, executed);
      await setClock(byMs);
      const claimed = await claim(store);
      expect(claimed[0]?.run.id).toBe(executed.id);
      expect(claimed[0]?.remainingMs).toBeGreaterThan(4 * minuteMs);
      expect(claimed[0]?.remainingMs).toBeLessThan(5 * minuteMs + 1_000); // a jump moves the steady time by less
    });

    test('what happens from then on is shown at the new time', async () => {
      const before = await start(store, { sessionId: null });
      await setClock(byMs);
      const { createdAtMs, startedAtMs } = await start(store, { sessionId: null });
      for (const atMs of [createdAtMs, startedAtMs ?? 0]) {
        expect(Math.abs(atMs - before.createdAtMs - byMs)).toBeLessThan(minuteMs);
      }
    });
  });
}

test('a lease does not expire while no process reaches the database, as when that is down', async () => {
  await store.processes.register(processInfo('proc_1'), leaseMs);
  const run = await start(store, { ownerId: 'proc_1' });
  await setClock(hourMs); // an hour without a sign of life by anybody
  expect(await requeued()).toEqual([]);
  expect(await store.processes.heartbeat('proc_1', leaseMs)).toBe(true);
  expect(await store.runs.get(tenant, run.id)).toEqual(run);
});

test('the steady time goes on with the clock while processes live', async () => {
  await live(store, 'proc_1');
  const read = async () => {
    const { rows } = await admin.query<{ steady: string; now: string }>(
      'select steady_ms() as steady, now_ms() as now',
    );
    return { steadyMs: Number(rows[0]?.steady), nowMs: Number(rows[0]?.now) };
  };
  const before = await read();
  for (let n = 1; n <= 20; n += 1) {
    await setClock(n * 500);
    await store.processes.heartbeat('proc_1', leaseMs);
  }
  const after = await read();
  expect(after.nowMs - before.nowMs).toBeGreaterThanOrEqual(10_000);
  // What the test itself took lies beside it, and less than a moment is lost with each look.
  expect(Math.abs(after.nowMs - before.nowMs - (after.steadyMs - before.steadyMs))).toBeLessThan(1_000);
});
