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

function readSqlite(dataDir: string): Rows {
  const database = new DatabaseSync(join(dataDir, databaseFile), { readOnly: true });
  try {
    database.exec('begin'); // all of it as it is at one moment
    return Object.fromEntries(tables.map((table) => [table, database.prepare(select(table)).all()])) as never;
  } finally {
    database.close();
  }
}

async function readPostgres(connectionString: string): Promise<Rows> {
  const client = new pg.Client({ connectionString, types });
  await client.connect();
  try {
    await client.query('begin transaction isolation level repeatable read read only');
    const rows: [string, unknown[]][] = [];
    for (const table of tables) rows.push([table, (await client.query(select(table))).rows]);
    return Object.fromEntries(rows) as never;
  } finally {
    await client.end();
  }
}

/** Reads a store past the service, as its tables are at one moment. */
export async function readStore(address: StoreAddress): Promise<Stored> {
  const rows = 'dataDir' in address ? readSqlite(address.dataDir) : await readPostgres(address.databaseUrl);
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
