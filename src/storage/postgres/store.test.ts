import pg from 'pg';
import { afterAll, beforeAll } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/support/postgres.ts';
import { openPostgresStore, type TestStore } from '../../../tests/support/postgres-store.ts';
import { describeStoreContract, type StoreFixture } from '../store.contract.ts';
import type { StoreOpening } from '../store-environment-policy.ts';

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

const tables =
  'api_keys, processes, sessions, session_items, runs, doomed_runs, steps, events, idempotency_keys, rate_limits, webhook_deliveries, provider_notes, provider_shares, budget_accounts, budget_holds, run_input_data, session_imports, store_environment';

const budgets = ['budget_usd_day', 'budget_tokens_day', 'budget_usd_month', 'budget_tokens_month'];

const timesOfRuns = [
  'created_at_ms',
  'run_at_ms',
  'deadline_at_ms',
  'clock_stopped_at_ms',
  'cancel_requested_at_ms',
  'started_at_ms',
  'finished_at_ms',
];

/** A store on the file's database, which is emptied for each test: a database each would take far longer. */
async function openStore(): Promise<StoreFixture> {
  const opened: TestStore[] = [];
  const open = async (opening?: StoreOpening): Promise<TestStore> => {
    const store = await openPostgresStore(database.url, { opening });
    opened.push(store);
    return store;
  };
  await admin.query(`truncate ${tables}`);
  await admin.query(`update tenants set ${budgets.map((name) => `${name} = null`).join(', ')}`);
  const store = await open();
  return {
    store,
    async reopen() {
      await store[Symbol.asyncDispose]();
      return open();
    },
    join: (opening) => open(opening),
    async patchRun(runId, { createdAtMs }) {
      await admin.query('update runs set created_at_ms = $2 where id = $1', [runId, createdAtMs]);
    },
    async ageRun(runId, byMs) {
      const older = timesOfRuns.map((column) => `${column} = ${column} - $2`);
      await admin.query(`update runs set ${older.join(', ')} where id = $1`, [runId, byMs]);
    },
    async ageKeys(byMs) {
      await admin.query('update idempotency_keys set expires_at_ms = expires_at_ms - $1', [byMs]);
    },
    async ageDeliveries(byMs) {
      await admin.query('update webhook_deliveries set next_attempt_at_ms = next_attempt_at_ms - $1', [byMs]);
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
