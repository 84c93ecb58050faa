import pg from 'pg';
import { afterAll, beforeAll } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/support/postgres.ts';
import { openPostgresStore, type TestStore } from '../../../tests/support/postgres-store.ts';
import { describeStoreContract, type StoreFixture } from '../store.contract.ts';

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

/** A store on the file's database, which is emptied for each test: a database each would take far longer. */
async function openStore(): Promise<StoreFixture> {
  const opened: TestStore[] = [];
  const open = async (): Promise<TestStore> => {
    const store = await openPostgresStore(database.url);
    opened.push(store);
    return store;
  };
  await admin.query('truncate processes, sessions, session_items, runs, rate_limits');
  const store = await open();
  return {
    store,
    async reopen() {
      await store[Symbol.asyncDispose]();
      return open();
    },
    join: open,
    async patchRun(runId, { status, createdAtMs }) {
      await admin.query(
        'update runs set status = coalesce($2, status), created_at_ms = coalesce($3, created_at_ms) where id = $1',
        [runId, status, createdAtMs],
      );
    },
    async patchSession(tenantId, sessionId, { updatedAtMs }) {
      await admin.query('update sessions set updated_at_ms = $3 where tenant_id = $1 and id = $2', [
        tenantId,
        sessionId,
        updatedAtMs,
      ]);
    },
    async [Symbol.asyncDispose]() {
      for (const each of opened) await each[Symbol.asyncDispose]();
    },
  };
}

describeStoreContract('Postgres', openStore);
