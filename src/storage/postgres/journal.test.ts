import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/support/postgres.ts';
import { untilWaiting, waitingForLock } from '../../../tests/support/postgres-locks.ts';
import { openPostgresStore } from '../../../tests/support/postgres-store.ts';
import { openTcpRelay } from '../../../tests/support/tcp-relay.ts';
import {
  finalRun,
  journalOf,
  listen,
  newEvent,
  newStep,
  noEntries,
  pausedRun,
  start,
  tenant,
} from '../contract/fixture.contract.ts';
import type { Run, Store } from '../port/index.ts';

const unavailable = { name: 'ServiceError', code: 'store_unavailable', retryable: true };
const entries = { steps: [newStep(1), newStep(2)], events: [newEvent(2), newEvent(3)] };

let database: TestDatabase;
let admin: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  admin = new pg.Client({ connectionString: database.url });
  await admin.connect();
});

afterAll(async () => {
  await admin.end();
  await database[Symbol.asyncDispose]();
});

/** Holds a run by a transaction while `work` is done. */
async function whileLocked(runId: string, work: () => Promise<void>): Promise<void> {
  await admin.query('begin');
  await admin.query('select from runs where id = $1 for update', [runId]);
  try {
    await work();
  } finally {
    await admin.query('rollback');
  }
}

describe('an append whose connection is cut', () => {
  test('before the commit is refused with store_unavailable, nothing of it is there, and it can be made again', async () => {
    await using store = await openPostgresStore(database.url);
    const run = await start(store, { sessionId: null });
    await whileLocked(run.id, async () => {
      const appended = expect(store.journal.append(tenant, run.id, 1, entries)).rejects.toMatchObject(unavailable);
      await untilWaiting(admin);
      await admin.query(`select pg_terminate_backend(pid, 5000) from ${waitingForLock}`);
      await appended;
    });
    expect(await journalOf(store, run)).toEqual(noEntries);
    expect(await store.journal.append(tenant, run.id, 1, entries)).toBe(true);
    expect(await journalOf(store, run)).toEqual(entries);
  });

  test('after the commit is refused with store_unavailable, and the same append again is as if it came first', async () => {
    await using relay = await openTcpRelay(database.url);
    await using store = await openPostgresStore(relay.url, { directUrl: database.url });
    const run = await start(store, { sessionId: null });
    using listener = listen(store);
    const cut = relay.cutNextAnswer();
    await expect(store.journal.append(tenant, run.id, 1, entries)).rejects.toMatchObject(unavailable);
    await cut;
    expect(await journalOf(store, run)).toEqual(entries);
    await listener.until('events', run.id);

    expect(await store.journal.append(tenant, run.id, 1, entries)).toBe(true);
    const more = { steps: [newStep(2, { replayed: 1 })], events: [newEvent(3), newEvent(4)] };
    expect(await store.journal.append(tenant, run.id, 1, more)).toBe(true);
    expect(await journalOf(store, run)).toEqual({
      steps: [newStep(1), newStep(2, { replayed: 1 })],
      events: [...entries.events, newEvent(4)],
    });
  });

  const leaving: Record<string, (store: Store, run: Run) => Promise<unknown>> = {
    end: (store, run) => store.runs.finish(run, finalRun({ entries })),
    pause: (store, { id }) => store.runs.pause(tenant, id, 1, pausedRun({ entries })),
    'hand-back': (store, { id }) => store.runs.handBack(tenant, id, 1, entries),
  };
  test.each(Object.entries(leaving))(
    'after the commit may come again with what follows it: the %s of the run',
    async (_name, leave) => {
      await using relay = await openTcpRelay(database.url);
      await using store = await openPostgresStore(relay.url, { directUrl: database.url });
      const run = await start(store, { sessionId: null });
      const cut = relay.cutNextAnswer();
      await expect(store.journal.append(tenant, run.id, 1, entries)).rejects.toMatchObject(unavailable);
      await cut;
      expect(await leave(store, run)).toBeTruthy();
      expect(await journalOf(store, run)).toEqual(entries);
    },
  );

  test('takes down those that share its statement, and each can be made again', async () => {
    await using store = await openPostgresStore(database.url);
    const runs = await Promise.all(Array.from({ length: 20 }, () => start(store, { sessionId: null })));
    const appendAll = () => Promise.allSettled(runs.map(({ id }) => store.journal.append(tenant, id, 1, entries)));
    await whileLocked(runs[7]?.id ?? '', async () => {
      const appended = appendAll();
      await untilWaiting(admin);
      await admin.query(`select pg_terminate_backend(pid, 5000) from ${waitingForLock}`);
      for (const outcome of await appended) expect(outcome).toMatchObject({ status: 'rejected', reason: unavailable });
    });
    for (const outcome of await appendAll()) expect(outcome).toEqual({ status: 'fulfilled', value: true });
    for (const run of runs) expect(await journalOf(store, run)).toEqual(entries);
  });
});

test('an append waits for a takeover that is under way, and is refused when that is done', async () => {
  await using store = await openPostgresStore(database.url);
  const run = await start(store, { sessionId: null });
  await admin.query('begin');
  await admin.query(`update runs set attempt = 2 where id = $1`, [run.id]);
  const appended = store.journal.append(tenant, run.id, 1, entries);
  await untilWaiting(admin);
  await admin.query('commit');
  expect(await appended).toBe(false);
  expect(await journalOf(store, run)).toEqual(noEntries);
});

test('a store that is stopped writes what was appended before', async () => {
  await using store = await openPostgresStore(database.url);
  const runs = await Promise.all(Array.from({ length: 300 }, () => start(store, { sessionId: null })));
  const appended = Promise.all(runs.map(({ id }) => store.journal.append(tenant, id, 1, entries)));
  await store.stop(AbortSignal.timeout(10_000));
  expect(new Set(await appended)).toEqual(new Set([true]));
});
