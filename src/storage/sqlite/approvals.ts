import { assertTotals } from '../number-columns.ts';
import type { Decided, PausedRun, Run, RunAttempt, RunError } from '../port/index.ts';
import { type RunRow, toRun } from '../run-row.ts';
import { toJsonText, toNameText } from '../text.ts';
import { usageColumns, usageValues } from '../usage-row.ts';
import { applyCancelRequest, type StoppedRow } from './cancellation.ts';
import { isRunningAttempt } from './fencing.ts';
import { record } from './journal.ts';
import type { Operation } from './operation.ts';
import { end } from './run-end.ts';
import { columns } from './run-statements.ts';

const pauseRun = `
  update runs set status = 'requires_action', owner_id = null, clock_stopped_at_ms = ?, required_action = ?,
    action_expires_at_ms = ?, last_agent = ?, model = ?, cost_usd = ?, drift = ?, first_token_ms = ?,
    ${usageColumns.map((column) => `${column} = ?`).join(', ')}
  where ${isRunningAttempt}
  returning ${columns}, cancel_requested_at_ms`;

/** See `RunStore.pause`. */
export function pause(operation: Operation, { tenantId, runId, attempt }: RunAttempt, paused: PausedRun): Run | null {
  assertTotals(paused);
  const row = operation
    .sql(pauseRun)
    .get(
      operation.steadyMs,
      toJsonText(paused.requiredAction),
      operation.nowMs + paused.expiresInMs,
      toNameText(paused.lastAgent),
      toNameText(paused.model),
      paused.costUsd,
      paused.drift ? 1 : 0,
      paused.firstTokenMs,
      ...usageValues(paused.usage),
      runId,
      tenantId,
      attempt,
    ) as StoppedRow | undefined;
  if (row === undefined) return null;
  record(operation, tenantId, runId, paused.entries);
  operation.publish({ type: 'events', runId });
  return applyCancelRequest(operation, row) ?? toRun(row);
}

const selectExpired = `
  select id from runs indexed by runs_by_action_expiry
  where status = 'requires_action' and action_expires_at_ms <= ?
  order by action_expires_at_ms limit 1`;

/** See `RunStore.expireAction`. */
export function expireAction(operation: Operation, error: RunError): Run | null {
  const row = operation.sql(selectExpired).get(operation.nowMs) as { id: string } | undefined;
  return row === undefined ? null : end(operation, row.id, 'failed', error);
}

// An optimistic lock: the decision counts only if the required action is still the one that it was made for. Its JSON
// text may be compared byte by byte: `toJsonText` made both texts, this one from the value that it was read as.
const decideRun = `
  update runs set status = ?, required_action = ?
  where id = ? and tenant_id = ? and status = 'requires_action' and required_action is ?
  returning ${columns}`;

/** See `RunStore.decide`. */
export function decide(
  operation: Operation,
  tenantId: string,
  runId: string,
  { expected, left, entries }: Decided,
): Run | null {
  const status = left === null ? 'queued' : 'requires_action';
  const row = operation.sql(decideRun).get(status, toJsonText(left), runId, tenantId, toJsonText(expected)) as
    | RunRow
    | undefined;
  if (row === undefined) return null;
  record(operation, tenantId, runId, entries);
  if (status === 'queued') operation.publish({ type: 'claimable' });
  return toRun(row);
}
