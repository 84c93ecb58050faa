import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/support/postgres.ts';
import { untilWaiting } from '../../../tests/support/postgres-locks.ts';
import { openPostgresStore, type TestStore } from '../../../tests/support/postgres-store.ts';
import {
  cancelled,
  claim,
  dead,
  finalRun,
  live,
  newEvent,
  newRun,
  newStep,
  noEntries,
  otherTenant,
  pausedRun,
  poison,
  start,
  tenant,
} from '../contract/fixture.contract.ts';
import type { Run, Store } from '../port/index.ts';

// What only several processes on one server can do to each other; each store is a process here.
const processes = 4;
let database: TestDatabase;
let stores: TestStore[];
let admin: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  stores = await Promise.all(Array.from({ length: processes }, () => openPostgresStore(database.url, { poolMax: 4 })));
  admin = new pg.Client({ connectionString: database.url });
  await admin.connect();
});

afterEach(() =>
  admin.query('truncate processes, sessions, session_items, runs, steps, events, idempotency_keys, rate_limits'),
);

afterAll(async () => {
  await admin.end();
  for (const store of stores) await store[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const storeOf = (n: number) => stores[n % stores.length] as TestStore;

const numberOf = async (text: string): Promise<number> =>
  (await admin.query(`select count(*)::int as n from ${text}`)).rows[0].n;

test('four processes that claim four hundred runs share them out, each run once', async () => {
  const asked = Array.from({ length: 400 }, (_, n) =>
    newRun({ sessionId: n % 2 ? null : `s-${n}`, mode: n % 3 ? 'background' : 'blocking', priority: n % 5 }),
  );
  await Promise.all(asked.map((run, n) => storeOf(n).runs.create(run, 'wait', false)));
  const drain = async (store: Store, ownerId: string): Promise<Run[]> => {
    const claimed: Run[] = [];
    for (;;) {
      const some = await claim(store, { limit: 10 }, ownerId);
      if (some.length === 0) return claimed;
      claimed.push(...some.map(({ run }) => run));
    }
  };
  const early = await Promise.all(stores.map((store, n) => drain(store, `proc_${n}`)));
  // Whoever found all that was left in the hands of others stopped; those may have let go of some.
  const late = await drain(storeOf(0), 'proc_0');
  const ids = [...early, late].flat().map(({ id }) => id);
  expect(ids).toHaveLength(400);
  expect(new Set(ids)).toEqual(new Set(asked.map(({ id }) => id)));
  expect(await numberOf(`runs where status = 'running' and attempt = 1`)).toBe(400);
});

test('a heartbeat that is under way when the lease ends saves the runs of its process', async () => {
  await dead(storeOf(0), 'proc_1');
  const run = await start(storeOf(0), { ownerId: 'proc_1' });
  await admin.query('begin');
  await admin.query(`update processes set lease_expires_at_ms = steady_ms() + 3600000 where id = 'proc_1'`);
  const { requeued } = await storeOf(1).runs.recoverOrphans(poison, 10);
  await admin.query('commit');
  expect(requeued).toEqual([]);
  expect(await storeOf(1).runs.recoverOrphans(poison, 10)).toMatchObject({ requeued: [] });
  expect(await storeOf(0).runs.get(tenant, run.id)).toEqual(run);
});

test('a heartbeat that comes while runs of its process are taken back is refused', async () => {
  await live(storeOf(0), 'proc_1');
  const run = await start(storeOf(0), { ownerId: 'proc_1' });
  await admin.query('begin');
  await admin.query(`update processes set lease_expires_at_ms = steady_ms() where id = 'proc_1'`);
  await admin.query(`select recover_orphans('{}', '{}', 10)`);
  const beaten = storeOf(0).processes.heartbeat('proc_1', 60_000);
  await untilWaiting(admin);
  await admin.query('commit');
  expect(await beaten).toBe(false);
  expect(await storeOf(0).runs.get(tenant, run.id)).toMatchObject({ status: 'queued', crashes: 1 });
});

test('appends of many runs in one statement and takeovers of the same runs do not wait in a circle', async () => {
  const entries = { steps: [newStep(1)], events: [] };
  let runs = await Promise.all(Array.from({ length: 40 }, () => start(storeOf(0), { sessionId: null })));
  for (let round = 0; round < 60; round += 1) {
    // Each process appends to all runs; two of them take the runs over meanwhile, and the last one is taken out.
    const [recovered] = await Promise.all([
      storeOf(1).runs.recoverOrphans(poison, 100),
      storeOf(2).runs.recoverOrphans(poison, 100),
      storeOf(3).processes.unregister(runs[0]?.ownerId ?? ''),
      ...runs.flatMap(({ id, attempt }) => [
        storeOf(round).journal.append(tenant, id, attempt, entries),
        storeOf(round + 1).journal.append(tenant, id, attempt, entries),
      ]),
    ]);
    expect(recovered.poisoned).toEqual([]);
    const claimed = await Promise.all(
      runs.map(({ id }) => storeOf(round).runs.get(tenant, id)).map(async (run) => (await run)?.status),
    );
    expect(new Set(claimed)).toEqual(new Set(['queued']));
    await admin.query(`update runs set crashes = 0, crashes_without_step = 0`);
    runs = (await claim(storeOf(0), {}, `proc_${round}`)).map(({ run }) => run);
    expect(runs).toHaveLength(40);
  }
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

/** What a storm is made of: each operation on a run that exists, some of them on one that another has just changed. */
const operations: ((store: Store, run: Run, at: { sessionId: string; ownerId: string }) => Promise<unknown>)[] = [
  (store, run) => store.journal.append(run.tenantId, run.id, run.attempt, { steps: [newStep(1)], events: [] }),
  (store, run) => {
    const events = [newEvent(2 + run.attempt, { attempt: run.attempt })];
    return store.journal.append(run.tenantId, run.id, run.attempt, { steps: [newStep(2)], events });
  },
  (store, run) => store.runs.finish(run, finalRun({ newItems: [{ n: 1 }, { n: 2 }] })),
  (store, run) => store.runs.finish(run, finalRun({ newItems: [{ n: 1 }] })),
  (store, run) => store.runs.handBack(run.tenantId, run.id, run.attempt, noEntries),
  (store, run) => store.runs.pause(run.tenantId, run.id, run.attempt, pausedRun()),
  (store, run) => {
    const decided = { expected: pausedRun().requiredAction, left: null, entries: noEntries };
    return store.runs.decide(run.tenantId, run.id, decided);
  },
  (store, run) => store.runs.requestCancel(run.tenantId, run.id, cancelled),
  (store, run, { sessionId }) => store.sessions.delete(run.tenantId, sessionId),
  (store) => store.runs.recoverOrphans(poison, 5),
  (store, _run, { ownerId }) =>
    store.processes.register(
      { id: ownerId, host: 'h', pid: 1, appVersion: '', sdkVersion: '', agents: ['triage'], background: true },
      50,
    ),
  (store, _run, { ownerId }) => store.processes.unregister(ownerId),
];

test('thousands of operations of four processes on few sessions leave each consistent, without a deadlock', async () => {
  const dice = createDice(20_250_811);
  const known: Run[] = [];
  const step = async (n: number): Promise<void> => {
    const store = storeOf(n);
    const at = { sessionId: `s-${dice(4)}`, ownerId: `proc_${n % stores.length}` };
    const run = known[dice(Math.max(known.length, 1))];
    const what = dice(10);
    if (what < 3 || run === undefined) {
      const tenantId = dice(2) ? tenant : otherTenant;
      const sessionId = dice(4) ? at.sessionId : null;
      const idempotency = dice(3) ? null : { key: `k-${dice(50)}`, fingerprint: 'f', ttlMs: 20 };
      const asked = newRun({ tenantId, sessionId, ownerId: at.ownerId, idempotency });
      const outcome = await store.runs.create(asked, dice(4) ? 'wait' : 'interrupt', dice(2) === 0);
      if ('run' in outcome) known.push(outcome.run);
    } else if (what < 5) {
      known.push(...(await claim(store, { limit: 1 + dice(5) }, at.ownerId)).map((claimed) => claimed.run));
    } else {
      const now = dice(3) ? await store.runs.get(run.tenantId, run.id) : run;
      await operations[dice(operations.length)]?.(store, now ?? run, at);
    }
  };
  let left = 4_000;
  await Promise.all(
    Array.from({ length: 24 }, async (_, n) => {
      while (left-- > 0) await step(n);
    }),
  );

  expect(await numberOf('runs')).toBeGreaterThan(400);
  expect(await numberOf('runs where attempt > 1')).toBeGreaterThan(20);
  // Who runs or waits for a person holds its session; who holds it does so, or has been queued again.
  expect(
    await numberOf(`runs left join sessions on sessions.tenant_id = runs.tenant_id and sessions.id = session_id
      where session_id is not null and runs.status in ('running', 'requires_action')
        and active_run_id is distinct from runs.id`),
  ).toBe(0);
  expect(
    await numberOf(`sessions left join runs on runs.id = active_run_id
      where active_run_id is not null and (status is null or status not in ('running', 'requires_action')
        and not (status = 'queued' and attempt > 0))`),
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
