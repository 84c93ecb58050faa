import type { Expired, Removed, RetentionStore } from '../port/index.ts';
import type { Database, Statement } from './database.ts';

/** A batch removes no more runs once they have about so many rows. */
const rowsMax = 5_000;
/** Runs of a deleted session that are removed in one statement. */
const deletedMax = 200;

// The functions are in migrations/004-retention.sql.
const pruneRuns: Statement = { name: 'prune_runs', text: 'select * from prune_runs($1, $2, $3)' };
const pruneKeys: Statement = { name: 'prune_keys', text: 'select * from prune_keys($1)' };
const pruneDeleted: Statement = { name: 'prune_deleted', text: 'select * from prune_deleted($1, $2, $3)' };
const countExpired: Statement = {
  name: 'count_expired',
  text: `select
    (select count(*) from runs where finished_at_ms < (select now_ms()) - $1) as runs,
    (select count(*) from idempotency_keys where expires_at_ms <= (select now_ms())) as keys`,
};

/** Retention on Postgres: one statement and one round trip a batch. */
export function createRetentionStore(database: Database): RetentionStore {
  return {
    pruneRuns: (olderThanMs, limit) => one<Removed>(database, pruneRuns, [olderThanMs, limit, rowsMax]),
    pruneKeys: (limit) => one<Removed>(database, pruneKeys, [limit]),
    pruneDeleted: (limit) => one<Removed>(database, pruneDeleted, [null, null, limit]),
    countExpired: (olderThanMs) => one<Expired>(database, countExpired, [olderThanMs]),
  };
}

/** Removes the runs of a deleted session; resolves when none is left. */
export async function removeDeleted(database: Database, tenantId: string, sessionId: string): Promise<void> {
  while ((await one<Removed>(database, pruneDeleted, [tenantId, sessionId, deletedMax])).more);
}

async function one<Row extends object>(database: Database, statement: Statement, values: unknown[]): Promise<Row> {
  const [row] = await database.query<Row>(statement, values);
  if (row === undefined) throw new Error(`${statement.name} returned no row`);
  return row;
}
