import { cancelledError } from '../cancelled.ts';
import { finalStatuses, type OwnedRun, type Run, type RunError } from '../port/index.ts';
import { type RunRow, toRun } from '../run-row.ts';
import type { Sql } from './database.ts';
import type { Operation } from './operation.ts';
import { end } from './run-end.ts';
import { selectRun } from './run-statements.ts';

const markCancelRequested = 'update runs set cancel_requested_at_ms = coalesce(cancel_requested_at_ms, ?) where id = ?';

/** See `RunStore.requestCancel`. */
export function requestCancel(operation: Operation, tenantId: string, runId: string, error: RunError): Run | null {
  const row = operation.sql(selectRun).get(runId, tenantId) as RunRow | undefined;
  if (row === undefined) return null;
  if ((finalStatuses as readonly string[]).includes(row.status)) return toRun(row);
  if (row.status !== 'running') return end(operation, runId, 'cancelled', error);
  operation.sql(markCancelRequested).run(operation.nowMs, runId);
  operation.publish({ type: 'cancel', runId });
  return toRun(row);
}

/** A run that its process has just stopped executing, and whether its cancellation was requested before. */
export type StoppedRow = RunRow & { cancel_requested_at_ms: number | null };

/** Cancels a run whose cancellation was requested while it was running. Returns the run as it ended, else null. */
export function applyCancelRequest(operation: Operation, row: StoppedRow): Run | null {
  return row.cancel_requested_at_ms === null ? null : end(operation, row.id, 'cancelled', cancelledError);
}

/** The running runs of a process (parameter), and whether their cancellation was requested. */
const selectOwned = `
  select id, tenant_id, attempt, cancel_requested_at_ms is not null as cancel_requested
  from runs indexed by runs_owned where owner_id = ? and status = 'running'`;

type OwnedRow = { id: string; tenant_id: string; attempt: number; cancel_requested: number };

/** See `RunStore.owned`. */
export const ownedRuns = (sql: Sql, ownerId: string): OwnedRun[] =>
  (sql(selectOwned).all(ownerId) as OwnedRow[]).map(({ id, tenant_id, attempt, cancel_requested }) => ({
    tenantId: tenant_id,
    id,
    attempt,
    cancelRequested: cancel_requested === 1,
  }));
