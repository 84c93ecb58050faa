import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Store } from '../port/index.ts';
import { describeStoreContract, type StoreFixture } from '../store.contract.ts';
import type { StoreOpening } from '../store-environment-policy.ts';
import { createSqliteStore, databaseFile } from './index.ts';

/** Every time that is kept of a run. */
const times = [
  'created_at_ms',
  'run_at_ms',
  'deadline_at_ms',
  'clock_stopped_at_ms',
  'cancel_requested_at_ms',
  'started_at_ms',
  'finished_at_ms',
];

async function openStore(): Promise<StoreFixture> {
  const dataDir = await mkdtemp(join(tmpdir(), 'agent-service-sqlite-'));
  const opened: Store[] = [];
  const open = async (executes: boolean, opening?: StoreOpening): Promise<Store> => {
    const store = createSqliteStore({ dataDir, sync: 'full', executes, opening });
    await store.start();
    opened.push(store);
    return store;
  };
  const patch = (statement: string, ...values: (string | number)[]) => {
    const connection = new DatabaseSync(join(dataDir, databaseFile), { timeout: 5_000 });
    connection.prepare(statement).run(...values);
    connection.close();
  };
  const store = await open(true);
  return {
    store,
    async reopen() {
      await store.stop(AbortSignal.timeout(10_000));
      return open(true);
    },
    join: (opening) => open(false, opening),
    async patchRun(runId, { createdAtMs }) {
      patch('update runs set created_at_ms = ? where id = ?', createdAtMs, runId);
    },
    async ageRun(runId, byMs) {
      patch(`update runs set ${times.map((time) => `${time} = ${time} - ?1`).join(', ')} where id = ?2`, byMs, runId);
    },
    async ageKeys(byMs) {
      patch('update idempotency_keys set expires_at_ms = expires_at_ms - ?', byMs);
    },
    async ageDeliveries(byMs) {
      patch('update webhook_deliveries set next_attempt_at_ms = next_attempt_at_ms - ?', byMs);
    },
    async patchSession(tenantId, sessionId, { updatedAtMs }) {
      patch('update sessions set updated_at_ms = ? where tenant_id = ? and id = ?', updatedAtMs, tenantId, sessionId);
    },
    async [Symbol.asyncDispose]() {
      for (const each of opened) await each.stop(AbortSignal.timeout(10_000));
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

describeStoreContract('SQLite', openStore);
