import type { ClaimedRun, ClaimOptions } from '../port/index.ts';
import { type RunRow, toRun } from '../run-row.ts';
import type { Database, Statement } from './database.ts';
import { columns } from './run-statements.ts';

// The function is in migrations/011-fair-claims.sql; what it calls is in 003-claims.sql and 009-roles.sql too.
const claimRuns: Statement = {
  name: 'claim_runs',
  text: `select ${columns}, greatest(deadline_at_ms - steady_ms(), 0) as remaining_ms from claim_runs($1, $2, $3, $4, $5, $6)`,
};

/** See `RunStore.claim`. */
export async function claim(database: Database, ownerId: string, options: ClaimOptions): Promise<ClaimedRun[]> {
  const { limit, backgroundMax, crashed, agents, version } = options;
  if (limit <= 0) return [];
  const values = [ownerId, limit, backgroundMax, crashed, agents, version];
  const rows = await database.query<RunRow<boolean> & { remaining_ms: number }>(claimRuns, values);
  return rows.map((row) => ({ run: toRun(row), remainingMs: row.remaining_ms }));
}
