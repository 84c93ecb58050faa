import { cancelledError } from '../cancelled.ts';
import type { CreateOutcome, IfBusy, JournalEntries, JsonRecord, NewRun } from '../port/index.ts';
import { newRunRow, runColumns, toRun } from '../run-row.ts';
import { requestCancel } from './cancellation.ts';
import { findByKey, rememberKey } from './idempotency.ts';
import { storeInputData } from './input-data.ts';
import { record } from './journal.ts';
import type { Operation } from './operation.ts';
import { columns } from './run-statements.ts';
import { addRunToSession, lastAgentOf, rankAtFront, readQueue, type SessionQueue } from './session-lock.ts';

const insertRun = `
  insert into runs (${columns}, line_rank, deadline_at_ms, webhook, continues)
  values (${runColumns.map(() => '?').join(', ')}, ?, ?, ?, ?)`;

/** See `RunStore.create`. */
export function create(operation: Operation, run: NewRun, ifBusy: IfBusy, startNow: boolean): CreateOutcome {
  const known = findByKey(operation, run);
  if (known !== null) return known;
  const queue = run.sessionId === null ? null : readQueue(operation, run.tenantId, run.sessionId);
  const busyRunId = findRefusal(queue, ifBusy);
  if (busyRunId !== null) return { type: 'busy', activeRunId: busyRunId };

  const isFree = ifBusy === 'interrupt' ? interrupt(operation, run.tenantId, queue) : findBlocker(queue) === null;
  const isDue = run.runAtMs === null || run.runAtMs <= operation.nowMs;
  const starts = startNow && isFree && isDue;
  if (isFree && isDue && !starts) operation.publish({ type: 'claimable' });
  return insert(operation, run, { starts, first: ifBusy === 'interrupt', lastSeq: queue?.lastSeq ?? 0 });
}

/** The run that a new run of the session has to wait for, or null. */
const findBlocker = (queue: SessionQueue | null): string | null => queue?.holder?.id ?? queue?.nextRunId ?? null;

/** The run because of which a new one is refused, or null. */
function findRefusal(queue: SessionQueue | null, ifBusy: IfBusy): string | null {
  if (ifBusy === 'reject') return findBlocker(queue);
  if (ifBusy === 'wait' && queue?.holder?.status === 'requires_action') return queue.holder.id;
  return null;
}

/** Requests the cancellation of the run that holds the session; whether the session is free now. */
function interrupt(operation: Operation, tenantId: string, queue: SessionQueue | null): boolean {
  if (queue === null || queue.holder === null) return true;
  requestCancel(operation, tenantId, queue.holder.id, cancelledError);
  return queue.holder.status !== 'running';
}

type Placement = { starts: boolean; first: boolean; lastSeq: number };

function insert(operation: Operation, run: NewRun, { starts, first, lastSeq }: Placement): CreateOutcome {
  const { id, tenantId, sessionId } = run;
  const agent = (starts && run.continues && lastAgentOf(operation, run)) || run.agent;
  const row = newRunRow(
    { ...run, agent },
    {
      status: starts ? 'running' : 'queued',
      sessionSeq: sessionId === null ? null : lastSeq,
      nowMs: operation.nowMs,
    },
  );
  const rank = first && !starts && sessionId !== null ? rankAtFront(operation, tenantId, sessionId) : 0;
  const deadlineMs = operation.steadyMs + run.timeoutMs - (run.waitedMs ?? 0);
  const isTimed = starts || run.mode !== 'background';
  if (sessionId !== null) addRunToSession(operation, tenantId, sessionId, starts ? id : null);
  operation
    .sql(insertRun)
    .run(
      ...Object.values(row),
      rank,
      isTimed ? deadlineMs : null,
      run.webhook === undefined ? null : JSON.stringify(run.webhook),
      run.continues ? 1 : 0,
    );
  storeInputData(operation.sql, run);
  rememberKey(operation, run);
  const started = run.started && (run.continues ? { ...run.started, agent } : run.started);
  if (starts && started !== undefined) record(operation, tenantId, id, startOf(started, operation.nowMs));
  return { type: starts ? 'started' : 'queued', run: toRun(row) };
}

const startOf = (data: JsonRecord, atMs: number): JournalEntries => ({
  steps: [],
  events: [{ seq: 2, type: 'run.started', attempt: 1, atMs, data }],
});
