import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/support/postgres.ts';
import { openPostgresStore, type TestStore } from '../../../tests/support/postgres-store.ts';
import {
  cancelled,
  claimOne,
  finish,
  newEvent,
  newRun,
  newStep,
  queue,
  start,
  tenant,
} from '../contract/fixture.contract.ts';

let database: TestDatabase;
let store: TestStore;
let admin: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  store = await openPostgresStore(database.url);
  admin = new pg.Client({ connectionString: database.url });
  await admin.connect();
});

afterEach(() => admin.query('truncate sessions, session_items, runs, doomed_runs, steps, events, idempotency_keys'));

afterAll(async () => {
  await admin.end();
  await store[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const idempotency = { key: 'key-1', fingerprint: 'f', ttlMs: 60_000 };

test('operations on live runs do not wait for a batch, not even while its transaction is open', async () => {
  const old = await finish(store, await start(store, { idempotency }));
  const alive = await start(store);
  await admin.query('begin');
  const { rows } = await admin.query('select * from prune_runs(-60000, 10, 1000)');
  expect(rows).toEqual([{ removed: 1, more: false }]);

  const waiting = await queue(store); // in the same session as what is being removed
  const entries = { steps: [newStep(1)], events: [newEvent(2)] };
  expect(await store.journal.append(tenant, alive.id, 1, entries)).toBe(true);
  await finish(store, alive, { newItems: [{ n: 1 }] });
  expect((await claimOne(store)).id).toBe(waiting.id);
  expect(await store.runs.requestCancel(tenant, waiting.id, cancelled)).toMatchObject({ status: 'running' });
  expect(await store.runs.get(tenant, old.id)).not.toBeNull(); // as long as that is not committed
  expect((await store.runs.create(newRun({ idempotency }), 'wait', true)).type).toBe('existing');
  await admin.query('commit');
  expect(await store.runs.get(tenant, old.id)).toBeNull();
});

test('a batch skips locked rows, and does not wait for them', async () => {
  const held = await finish(store, await start(store, { sessionId: null, idempotency }));
  await finish(store, await start(store, { sessionId: null }));
  await admin.query('begin');
  await admin.query('select from runs where id = $1 for update', [held.id]);
  await admin.query('update idempotency_keys set expires_at_ms = 0');
  expect(await store.retention.pruneRuns(-60_000, 10)).toEqual({ removed: 1, more: false });
  expect(await store.retention.pruneKeys(10)).toEqual({ removed: 0, more: false });
  await admin.query('commit');
  expect(await store.retention.pruneKeys(10)).toEqual({ removed: 1, more: false });
  expect(await store.retention.pruneRuns(-60_000, 10)).toEqual({ removed: 1, more: false });
});

test('a batch takes no further runs once they have many rows', async () => {
  const events = Array.from({ length: 2_600 }, (_, n) => newEvent(n + 2));
  for (let n = 0; n < 3; n += 1) await finish(store, await start(store), { entries: { steps: [newStep(1)], events } });
  expect(await store.retention.pruneRuns(-60_000, 10)).toEqual({ removed: 2, more: true });
  expect(await store.retention.pruneRuns(-60_000, 10)).toEqual({ removed: 1, more: false });
});

test('a deletion that hangs does not prevent the use of a new session of the same name', async () => {
  await finish(store, await start(store));
  await admin.query('begin');
  await admin.query('select delete_session($1, $2)', [tenant, 's-1']);
  await admin.query('commit');
  await admin.query('begin');
  await admin.query('select * from prune_deleted($1, $2, 10)', [tenant, 's-1']);
  const run = await start(store);
  expect(run.sessionSeqAtStart).toBe(0);
  await admin.query('rollback'); // it died
  expect(await store.retention.pruneDeleted(10)).toEqual({ removed: 1, more: false });
  expect(await store.runs.get(tenant, run.id)).toEqual(run);
});
