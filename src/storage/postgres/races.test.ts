import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/support/postgres.ts';
import { openPostgresStore, type TestStore } from '../../../tests/support/postgres-store.ts';
import { finalRun, newRun, otherTenant, processLost, start, tenant } from '../contract/fixture.contract.ts';
import type { Run } from '../port/index.ts';

// What only several processes on one server can do to each other; two stores are two processes here.
let database: TestDatabase;
let stores: [TestStore, TestStore];
let admin: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  stores = [await openPostgresStore(database.url), await openPostgresStore(database.url)];
  admin = new pg.Client({ connectionString: database.url });
  await admin.connect();
});

afterEach(() => admin.query('truncate processes, sessions, session_items, runs'));

afterAll(async () => {
  await admin.end();
  for (const store of stores) await store[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const numberOf = async (text: string): Promise<number> =>
  (await admin.query(`select count(*)::int as n from ${text}`)).rows[0].n;

/** Resolves when somebody waits for a lock that the test holds. */
async function somebodyWaits(): Promise<void> {
  const waiting = `pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  while ((await numberOf(waiting)) === 0);
}

test('two processes that race for a session over a hundred rounds: each time exactly one starts', async () => {
  for (let round = 0; round < 100; round += 1) {
    const sessionId = `s-${round}`;
    const asked = stores.map((store) => store.runs.create(newRun({ sessionId }), round % 2 ? 'wait' : 'reject'));
    const types = (await Promise.all(asked)).map(({ type }) => type).sort();
    expect(types).toEqual(round % 2 ? ['queued', 'started'] : ['busy', 'started']);
  }
});

test('a heartbeat that began before the lease ended saves the runs of its process, even if it is late to commit', async () => {
  const info = { id: 'proc_1', host: 'host-1', pid: 1, appVersion: '1', sdkVersion: '1' };
  await stores[0].processes.register(info, -60_000);
  const run = await start(stores[0], { ownerId: 'proc_1' });
  await admin.query('begin');
  await admin.query(`update processes set lease_expires_at_ms = now_ms() + 3600000 where id = 'proc_1'`);
  const failed = stores[1].runs.failOrphans(processLost, 10);
  await somebodyWaits();
  await admin.query('commit');
  expect(await failed).toEqual([]);
  expect(await stores[0].runs.get(tenant, run.id)).toEqual(run);
});

/** Small and repeatable (Marsaglia, "Xorshift RNGs", 2003); gives whole numbers below `limit`. */
function createDice(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

test('a storm of operations on few sessions leaves each session whole, and nobody waits in a circle', async () => {
  const dice = createDice(20_250_811);
  const open: Run[] = [];
  const step = async (): Promise<void> => {
    const store = stores[dice(2)] as TestStore;
    const sessionId = `s-${dice(3)}`;
    const tenantId = dice(2) ? tenant : otherTenant;
    const run = open[dice(Math.max(open.length, 1))];
    const what = dice(10);
    if (what < 4 || run === undefined) {
      const outcome = await store.runs.create(newRun({ tenantId, sessionId, ownerId: 'proc_1' }), 'wait');
      if ('run' in outcome) open.push(outcome.run);
    } else if (what < 6) await store.runs.startQueued(run.tenantId, run.id, 'proc_1');
    else if (what < 8) {
      const now = await store.runs.get(run.tenantId, run.id);
      await store.runs.finish(run.tenantId, run.id, now?.attempt ?? 0, finalRun({ newItems: [{ n: 1 }, { n: 2 }] }));
    } else if (what < 9) await store.sessions.delete(tenantId, sessionId);
    else await store.runs.failOrphans(processLost, 3);
  };
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      for (let n = 0; n < 60; n += 1) await step();
    }),
  );

  expect(await numberOf('runs')).toBeGreaterThan(100);
  // Who holds a session is running, and who runs holds it.
  expect(
    await numberOf(`runs full join sessions on sessions.active_run_id = runs.id
      where (runs.status = 'running') is distinct from (sessions.active_run_id is not null)
        and (runs.status = 'running' or sessions.active_run_id is not null)`),
  ).toBe(0);
  // Items are numbered without gaps, and the session knows how many it has.
  expect(
    await numberOf(`sessions left join (
        select tenant_id, session_id, count(*) as items, max(seq) as last from session_items group by 1, 2
      ) as counted on counted.tenant_id = sessions.tenant_id and counted.session_id = sessions.id
      where next_seq - 1 <> coalesce(items, 0) or next_seq - 1 <> coalesce(last, 0)`),
  ).toBe(0);
  expect(
    await numberOf(`session_items left join sessions
      on sessions.tenant_id = session_items.tenant_id and sessions.id = session_id where sessions.id is null`),
  ).toBe(0);
});
