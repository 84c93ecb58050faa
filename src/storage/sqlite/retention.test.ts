import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { finish, newEvent, start, tenant } from '../contract/fixture.contract.ts';
import type { RetentionStore } from '../port/index.ts';
import type { Database } from './database.ts';
import { createSqliteStore } from './index.ts';
import { migrate, readMigrations } from './migrate.ts';
import type { Operations } from './operation.ts';
import { createRetentionStore, removeDeleted } from './retention.ts';

async function openStore() {
  const dataDir = await mkdtemp(join(tmpdir(), 'agent-service-retention-'));
  const store = createSqliteStore({ dataDir, sync: 'normal', executes: true });
  await store.start();
  return {
    store,
    async [Symbol.asyncDispose]() {
      await store.stop(AbortSignal.timeout(10_000));
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

test('a run of very many events goes in several transactions, itself with the last', async () => {
  await using opened = await openStore();
  const { store } = opened;
  const events = Array.from({ length: 1_200 }, (_, n) => newEvent(n + 2));
  const run = await finish(store, await start(store), { entries: { steps: [], events } });
  const left = async () => (await store.journal.events(tenant, run.id, 0, 10_000)).length;

  expect(await store.retention.pruneRuns(-1_000, 10)).toEqual({ removed: 0, more: true });
  expect(await left()).toBe(1_000);
  expect(await store.runs.get(tenant, run.id)).toEqual(run);
  let batches = 1;
  for (let more = true; more; batches += 1) ({ more } = await store.retention.pruneRuns(-1_000, 10));
  expect(batches).toBe(7);
  expect([await left(), await store.runs.get(tenant, run.id)]).toEqual([0, null]);
});

/** How the database would find what each statement of an operation reads or removes. */
async function plansOf(act: (store: RetentionStore, write: Operations) => Promise<unknown>): Promise<string[]> {
  using connection = new DatabaseSync(':memory:');
  migrate(connection, readMigrations(), () => 1);
  const plans: string[] = [];
  const sql = (text: string) => {
    const explain = () => {
      const [first] = connection.prepare(`explain query plan ${text}`).all();
      plans.push(String(first?.detail));
    };
    const run = () => {
      explain();
      return { changes: 0 };
    };
    const all = () => {
      explain();
      return [{ id: 'run_1' }];
    };
    return { run, all };
  };
  const write = (async (work: (operation: unknown) => unknown) => work({ sql, nowMs: 1 })) as unknown as Operations;
  await act(createRetentionStore({} as Database, write, { nowMs: () => 1, steadyMs: () => 1 }), write);
  return plans;
}

const removal = [
  'SEARCH events USING INTEGER PRIMARY KEY (rowid=?)',
  'SEARCH steps USING INTEGER PRIMARY KEY (rowid=?)',
  'SEARCH idempotency_keys USING INDEX idempotency_keys_of_run (run_id=?)',
  'SEARCH runs USING INDEX sqlite_autoindex_runs_1 (id=?)',
];

describe('what is to be removed is found by an index', () => {
  test('when runs are pruned', async () => {
    expect(await plansOf((store) => store.pruneRuns(1, 10))).toEqual([
      'SEARCH runs USING INDEX runs_by_end (finished_at_ms<?)',
      ...removal,
    ]);
  });

  test('when idempotency keys are pruned', async () => {
    expect(await plansOf((store) => store.pruneKeys(10))).toEqual([
      'SEARCH idempotency_keys USING INTEGER PRIMARY KEY (rowid=?)',
    ]);
  });

  test('when runs of a deleted session go', async () => {
    expect(await plansOf((_store, write) => removeDeleted(write, tenant, 's-1'))).toEqual([
      'SEARCH doomed_runs USING COVERING INDEX doomed_runs_of_session (tenant_id=? AND session_id=?)',
      ...removal,
      'SEARCH doomed_runs USING INDEX sqlite_autoindex_doomed_runs_1 (run_id=?)',
    ]);
  });
});
