import type { OwnedRun, Run, RunError } from '../port/index.ts';
import { toRun } from '../run-row.ts';
import { toJsonText } from '../text.ts';
import type { Database, Statement } from './database.ts';
import { publishEnd } from './run-end.ts';
import { awaited, columns, placeholders, queryRun } from './run-statements.ts';
import type { PostgresSignals } from './signals.ts';

// The function is in migrations/002-operations.sql.
const cancelRun: Statement = {
  name: 'request_cancel',
  text: `select ${columns}, ${awaited} from request_cancel(${placeholders(3)})`,
};

const selectOwned: Statement = {
  name: 'owned_runs',
  text: `select id, tenant_id as "tenantId", attempt, cancel_requested_at_ms is not null as "cancelRequested"
    from runs where owner_id = $1 and status = 'running'`,
};

/** See `RunStore.requestCancel`. */
export async function requestCancel(
  database: Database,
  signals: PostgresSignals,
  tenantId: string,
  runId: string,
  error: RunError,
): Promise<Run | null> {
  const row = await queryRun(database, cancelRun, [tenantId, runId, toJsonText(error)]);
  if (row === null) return null;
  if (row.status === 'running') signals.publish({ type: 'cancel', runId });
  else if (row.status === 'cancelled') publishEnd(signals, runId, row.awaited);
  return toRun(row);
}

/** See `RunStore.owned`. */
export const ownedRuns = (database: Database, ownerId: string): Promise<OwnedRun[]> =>
  database.query<OwnedRun>(selectOwned, [ownerId]);
