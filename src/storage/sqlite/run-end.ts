import { lastEventType } from '../event-row.ts';
import { assertTotals } from '../number-columns.ts';
import {
  attachData,
  type FinalRun,
  type FinalStatus,
  type JsonRecord,
  type Run,
  type RunError,
  unfinishedTurnItems,
} from '../port/index.ts';
import { type RunRow, toEndedRun, toRun } from '../run-row.ts';
import { toJsonText, toNameText } from '../text.ts';
import { toUsageRow, usageColumns } from '../usage-row.ts';
import { isUnfinishedAttempt } from './fencing.ts';
import { readInputData } from './input-data.ts';
import { readSteps, record, recordStoreEvent } from './journal.ts';
import type { Operation } from './operation.ts';
import { columns } from './run-statements.ts';
import { hasQueuedRun, releaseSession, type SessionResult } from './session-lock.ts';

/** The columns of a run that its end changes. */
const endedColumns = [
  'status',
  'last_agent',
  'model',
  'response',
  'output',
  'annotations',
  'files',
  ...usageColumns,
  'cost_usd',
  'error',
  'required_action',
  'drift',
  'owner_id',
  'first_token_ms',
  'finished_at_ms',
] as const satisfies (keyof RunRow)[];

type EndedRow = Pick<RunRow, (typeof endedColumns)[number]>;

const finishRun = `
  update runs set ${endedColumns.map((column) => `${column} = ?`).join(', ')}
  where ${isUnfinishedAttempt}`;

/** The values of an end, in the order of `endedColumns`. */
const toEndedRow = (final: FinalRun, nowMs: number): EndedRow => ({
  status: final.status,
  last_agent: toNameText(final.lastAgent),
  model: toNameText(final.model),
  response: toJsonText(final.response),
  output: toJsonText(final.output),
  annotations: toJsonText(final.annotations),
  files: toJsonText(final.files),
  ...toUsageRow(final.usage),
  cost_usd: final.costUsd,
  error: toJsonText(final.error),
  required_action: null,
  drift: final.drift ? 1 : 0,
  owner_id: null,
  first_token_ms: final.firstTokenMs,
  finished_at_ms: nowMs,
});

/** See `RunStore.finish`. */
export function finish(operation: Operation, run: Run, final: FinalRun): Run | null {
  const { id, tenantId, sessionId, attempt } = run;
  assertTotals(final);
  const values = Object.values(toEndedRow(final, operation.nowMs));
  if (operation.sql(finishRun).run(...values, id, tenantId, attempt).changes === 0) return null;
  record(operation, tenantId, id, final.entries);
  leaveSession(operation, { id, tenantId, sessionId }, final);
  operation.publish({ type: 'events', runId: id });
  return toEndedRun(run, final, operation.nowMs);
}

const sumOf = (column: string) =>
  `${column} = coalesce((select sum(${column}) from steps where run_id = ?1), ${column})`;

// The cost of a run is null if that of one of its model calls is not known: a partial sum would mislead.
const cost = `
  case when exists (select 1 from steps where run_id = ?1 and requests is not null) then (
    select case when count(requests) = count(cost_usd) then sum(cost_usd) end from steps where run_id = ?1
  ) else cost_usd end`;

const endRun = `
  update runs set status = ?2, error = ?3, required_action = null, owner_id = null, finished_at_ms = ?4,
    ${usageColumns.map(sumOf).join(', ')}, cost_usd = ${cost}
  where id = ?1
  returning ${columns}`;

/** The items of the unfinished turn of a run that no process executes; a run that never began has none. */
function unfinishedTurn(operation: Operation, row: RunRow, code: string): JsonRecord[] {
  const { id, tenant_id, session_id, attempt } = row;
  if (session_id === null || attempt === 0) return [];
  const input = attachData(toRun(row).input, readInputData(operation.sql, tenant_id, id));
  return unfinishedTurnItems(input, readSteps(operation, tenant_id, id), code);
}

/** Ends a run that no process executes, and writes its last event. The usage in its journal counts in its session. */
export function end(operation: Operation, runId: string, status: FinalStatus, error: RunError): Run {
  const row = operation.sql(endRun).get(runId, status, toJsonText(error), operation.nowMs) as RunRow;
  recordStoreEvent(operation, { runId, tenantId: row.tenant_id, attempt: row.attempt }, lastEventType(status));
  const newItems = unfinishedTurn(operation, row, error.code);
  const run = toRun(row);
  leaveSession(operation, run, { newItems, lastAgent: run.lastAgent, costUsd: run.costUsd, usage: run.usage });
  return run;
}

type EndedRun = Pick<Run, 'id' | 'tenantId' | 'sessionId'>;

function leaveSession(operation: Operation, { id, tenantId, sessionId }: EndedRun, result: SessionResult): void {
  if (sessionId === null) return;
  releaseSession(operation, { tenantId, sessionId, id }, result);
  if (hasQueuedRun(operation, tenantId, sessionId)) operation.publish({ type: 'claimable' });
}
