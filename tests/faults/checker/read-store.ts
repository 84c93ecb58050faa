import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import { type EventRow, toEvent } from '../../../src/storage/event-row.ts';
import { type RunRow, toRun } from '../../../src/storage/run-row.ts';
import { type ItemRow, type SessionRow, toItem, toSession } from '../../../src/storage/session-row.ts';
import { databaseFile } from '../../../src/storage/sqlite/index.ts';
import { type StepRow, toStep } from '../../../src/storage/step-row.ts';
import type { Stored } from './stored.ts';

/** The store of an engine: a folder, or the address of a database. */
export type StoreAddress = { dataDir: string } | { databaseUrl: string };

type Flag = number | boolean;
type Rows = {
  runs: (RunRow<Flag> & { arrival: number; crashes_without_step: number })[];
  steps: StepRow<Flag>[];
  events: (EventRow & { run_id: string })[];
  sessions: SessionRow[];
  session_items: (ItemRow & { tenant_id: string; session_id: string })[];
  idempotency_keys: { tenant_id: string; key: string; run_id: string }[];
};

const order: Record<keyof Rows, string> = {
  runs: 'arrival',
  steps: 'run_id, step',
  events: 'run_id, seq',
  sessions: 'tenant_id, id',
  session_items: 'tenant_id, session_id, seq',
  idempotency_keys: 'tenant_id, key',
};
const tables = Object.keys(order) as (keyof Rows)[];
const select = (table: keyof Rows) => `select * from ${table} order by ${order[table]}`;

/** `int8` as a number: all of ours are small enough. */
const int8 = 20;
const types = {
  getTypeParser: (oid: number, format?: 'text') => (oid === int8 ? Number : pg.types.getTypeParser(oid, format)),
} as pg.CustomTypesConfig;

/** A connection to a store past the service. */
export type StoreConnection = AsyncDisposable & {
  exec(sql: string): Promise<void>;
  /** Everything the store holds, as this connection sees it. */
  read(): Promise<Stored>;
};

/** Opens a connection to a store, which must have been migrated. */
export async function connectStore(address: StoreAddress): Promise<StoreConnection> {
  if ('dataDir' in address) {
    const database = new DatabaseSync(join(address.dataDir, databaseFile));
    return {
      exec: async (sql) => database.exec(sql),
      read: () => readBy(async (sql) => database.prepare(sql).all()),
      [Symbol.asyncDispose]: async () => database.close(),
    };
  }
  const client = new pg.Client({ connectionString: address.databaseUrl, types });
  await client.connect();
  return {
    exec: async (sql) => void (await client.query(sql)),
    read: () => readBy(async (sql) => (await client.query(sql)).rows),
    [Symbol.asyncDispose]: () => client.end(),
  };
}

/** Reads a store past the service, while no process writes to it. */
export async function readStore(address: StoreAddress): Promise<Stored> {
  await using connection = await connectStore(address);
  return await connection.read(); // before it is closed
}

async function readBy(query: (sql: string) => Promise<unknown[]>): Promise<Stored> {
  const read: [string, unknown[]][] = [];
  for (const table of tables) read.push([table, await query(select(table))]);
  const rows = Object.fromEntries(read) as unknown as Rows;
  return {
    runs: rows.runs.map((row) => ({
      ...toRun(row),
      arrival: row.arrival,
      crashesWithoutStep: row.crashes_without_step,
    })),
    steps: rows.steps.map((row) => ({ ...toStep(row), runId: row.run_id })),
    events: rows.events.map((row) => ({ ...toEvent(row), runId: row.run_id })),
    sessions: rows.sessions.map(toSession),
    items: rows.session_items.map((row) => ({ ...toItem(row), tenantId: row.tenant_id, sessionId: row.session_id })),
    keys: rows.idempotency_keys.map((row) => ({ tenantId: row.tenant_id, key: row.key, runId: row.run_id })),
  };
}
