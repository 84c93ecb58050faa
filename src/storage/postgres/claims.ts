import { cancelledError } from '../cancelled.ts';
import type { ClaimedRun, ClaimOptions, Recovered, RunError } from '../port/index.ts';
import { type RunRow, runColumns, toRun } from '../run-row.ts';
import { toJsonText } from '../text.ts';
import type { Database, Statement } from './database.ts';
import type { PostgresSignals } from './signals.ts';

type Row = RunRow<boolean>;

const columns = runColumns.join(', ');

// The functions are in migrations/003-claims.sql, 009-roles.sql and 011-fair-claims.sql.
const claim: Statement = {
  name: 'claim_runs',
  text: `select ${columns}, greatest(deadline_at_ms - steady_ms(), 0) as remaining_ms from claim_runs($1, $2, $3, $4, $5, $6)`,
};
const recover: Statement = { name: 'recover_orphans', text: `select ${columns} from recover_orphans($1, $2, $3)` };

/** Claims runs as `RunStore.claim` does, in one statement. */
export async function claimRuns(database: Database, ownerId: string, options: ClaimOptions): Promise<ClaimedRun[]> {
  const { limit, backgroundMax, crashed, agents, version } = options;
  if (limit <= 0) return [];
  const rows = await database.query<Row & { remaining_ms: number }>(claim, [
    ownerId,
    limit,
    backgroundMax,
    crashed,
    agents,
    version,
  ]);
  return rows.map((row) => ({ run: toRun(row), remainingMs: row.remaining_ms }));
}

/** Takes runs back as `RunStore.recoverOrphans` does, in one statement, and tells others. */
export async function recoverOrphans(
  database: Database,
  signals: PostgresSignals,
  poison: RunError,
  limit: number,
): Promise<Recovered> {
  const rows = await database.query<Row>(recover, [toJsonText(poison), toJsonText(cancelledError), limit]);
  const recovered: Recovered = { requeued: [], poisoned: [], cancelled: [] };
  for (const row of rows) {
    const run = toRun(row);
    if (run.status === 'queued') recovered.requeued.push(run);
    else recovered[run.status === 'failed' ? 'poisoned' : 'cancelled'].push(run);
    if (run.status !== 'queued') signals.publish({ type: 'events', runId: run.id });
  }
  // An ended run has left its session, for which somebody may wait.
  if (rows.length > 0) signals.publish({ type: 'claimable' });
  return recovered;
}
