import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/support/postgres.ts';
import { openPostgresStore } from '../../../tests/support/postgres-store.ts';
import { openTcpRelay } from '../../../tests/support/tcp-relay.ts';
import { claim, finish, listen, newEvent, newId, queue, start, tenant } from '../contract/fixture.contract.ts';
import type { Signal } from '../port/index.ts';
import { decodeSignals, encodeSignals } from './signals.ts';

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

const listening = `pg_stat_activity where datname = current_database() and application_name = 'agent-service signals'`;

describe('the payloads of signals', () => {
  const signals = (count: number, type: 'events' | 'cancel'): Signal[] =>
    Array.from({ length: count }, () => ({ type, runId: newId('run') }));

  test('say all that was said, once, however much there is', () => {
    const said = [{ type: 'claimable' } as const, ...signals(1_000, 'events'), ...signals(300, 'cancel')];
    const payloads = encodeSignals([...said, ...said] as Parameters<typeof encodeSignals>[0]);
    const sorted = (list: readonly Signal[]) => list.map((signal) => JSON.stringify(signal)).sort();
    expect(sorted(payloads.flatMap(decodeSignals))).toEqual(sorted(said));
    for (const payload of payloads) expect(Buffer.byteLength(payload)).toBeLessThan(8_000);
  });

  test('of a newer version that are not known say nothing', () => {
    for (const payload of ['', 'q', 'q run_1', 'constructor']) expect(decodeSignals(payload)).toEqual([]);
  });
});

describe('signals between processes', () => {
  // tidy: no-assertion because `until` throws when the signal does not come
  test('tell one process what another did', async () => {
    await using one = await openPostgresStore(database.url);
    await using other = await openPostgresStore(database.url);
    using listener = listen(other);
    await queue(one, { sessionId: null });
    await listener.until('claimable');
    const [claimed] = await claim(one);
    if (claimed === undefined) throw new Error('nothing was claimed');
    const { run } = claimed;
    await one.journal.append(tenant, run.id, 1, { steps: [], events: [newEvent(2)] });
    await listener.until('events', run.id);
    await one.runs.requestCancel(tenant, run.id, { code: 'cancelled', detail: '', retryable: false });
    await listener.until('cancel', run.id);
    await finish(one, run);
    expect(listener.heard.filter(({ type }) => type === 'cancel')).toEqual([{ type: 'cancel', runId: run.id }]);
  });

  // tidy: no-assertion because `until` throws when the signal does not come
  test('come again after the connection was cut, with a signal to poll', async () => {
    await using store = await openPostgresStore(database.url);
    const run = await start(store, { sessionId: null });
    for (const seq of [2, 3]) {
      using listener = listen(store);
      await admin.query(`select pg_terminate_backend(pid, 5000) from ${listening}`);
      await listener.until('claimable');
      await store.journal.append(tenant, run.id, 1, { steps: [], events: [newEvent(seq)] });
      await listener.until('events', run.id);
      expect(listener.heard).toEqual([{ type: 'claimable' }, { type: 'events', runId: run.id }]);
    }
  });

  // tidy: no-assertion because `until` throws when the signal does not come
  test('come again after the database could not be reached for a while, and writes go on meanwhile', async () => {
    await using relay = await openTcpRelay(database.url);
    // No pause before the next attempt, so that the test does not wait for one.
    await using store = await openPostgresStore(database.url, { directUrl: relay.url, random: () => 0 });
    using listener = listen(store);
    relay.refuse();
    const run = await start(store, { sessionId: null });
    await store.journal.append(tenant, run.id, 1, { steps: [], events: [newEvent(2)] });
    relay.accept();
    await listener.until('claimable');
    expect(listener.heard).toContainEqual({ type: 'claimable' });
    await store.journal.append(tenant, run.id, 1, { steps: [], events: [newEvent(3)] });
    await listener.until('events', run.id);
  });

  test('need one connection, which is closed with the store', async () => {
    const store = await openPostgresStore(database.url);
    expect((await admin.query(`select from ${listening}`)).rowCount).toBe(1);
    await store[Symbol.asyncDispose]();
    while ((await admin.query(`select from ${listening}`)).rowCount !== 0);
  });

  test('a store that cannot listen does not start, and names the address', async () => {
    await using relay = await openTcpRelay(database.url);
    relay.refuse();
    await expect(openPostgresStore(database.url, { directUrl: relay.url })).rejects.toThrow(
      /^DATABASE_DIRECT_URL leads/,
    );
  });
});
