import { cancelledError } from '../cancelled.ts';
import type { CreateOutcome, IfBusy, JournalEntries, JsonRecord, NewRun } from '../port/index.ts';
import { newRunRow, runColumns, toRun } from '../run-row.ts';
import { requestEnd } from './cancellation.ts';
import { findByKey, rememberKey } from './idempotency.ts';
import { record } from './journal.ts';
import type { Operation } from './operation.ts';
import { columns } from './run-statements.ts';
import { enterSession, rankBeforeAll, readLine, type SessionLine } from './session-lock.ts';

const insertRun = `
  insert into runs (${columns}, line_rank, deadline_at_ms, webhook)
  values (${runColumns.map(() => '?').join(', ')}, ?, ?, ?)`;

/** See `RunStore.create`. */
export function create(operation: Operation, run: NewRun, ifBusy: IfBusy, startNow: boolean): CreateOutcome {
  const known = findByKey(operation, run);
  if (known !== null) return known;
  const line = run.sessionId === null ? null : readLine(operation, run.tenantId, run.sessionId);
  const busyWith = whoRefuses(line, ifBusy);
  if (busyWith !== null) return { type: 'busy', activeRunId: busyWith };

  const isFree = ifBusy === 'interrupt' ? interrupt(operation, run.tenantId, line) : inTheWay(line) === null;
  const isDue = run.runAtMs === null || run.runAtMs <= operation.nowMs;
  const starts = startNow && isFree && isDue;
  if (isFree && isDue && !starts) operation.publish({ type: 'claimable' });
  return insert(operation, run, { starts, first: ifBusy === 'interrupt', lastSeq: line?.lastSeq ?? 0 });
}

const inTheWay = (line: SessionLine | null): string | null => line?.holder?.id ?? line?.nextRunId ?? null;

/** The run because of which a new one is refused, if one is. */
function whoRefuses(line: SessionLine | null, ifBusy: IfBusy): string | null {
  if (ifBusy === 'reject') return inTheWay(line);
  if (ifBusy === 'wait' && line?.holder?.status === 'requires_action') return line.holder.id;
  return null;
}

/** Has the run that holds the session end; whether the session is free now. */
function interrupt(operation: Operation, tenantId: string, line: SessionLine | null): boolean {
  if (line === null || line.holder === null) return true;
  requestEnd(operation, tenantId, line.holder.id, cancelledError);
  return line.holder.status !== 'running';
}

type Place = { starts: boolean; first: boolean; lastSeq: number };

function insert(operation: Operation, run: NewRun, { starts, first, lastSeq }: Place): CreateOutcome {
  const { id, tenantId, sessionId } = run;
  const row = newRunRow(run, {
    status: starts ? 'running' : 'queued',
    sessionSeq: sessionId === null ? null : lastSeq,
    nowMs: operation.nowMs,
  });
  const rank = first && !starts && sessionId !== null ? rankBeforeAll(operation, tenantId, sessionId) : 0;
  const deadlineMs = operation.steadyMs + run.timeoutMs - (run.waitedMs ?? 0);
  const isTimed = starts || run.mode !== 'background';
  if (sessionId !== null) enterSession(operation, tenantId, sessionId, starts ? id : null);
  operation
    .sql(insertRun)
    .run(
      ...Object.values(row),
      rank,
      isTimed ? deadlineMs : null,
      run.webhook === undefined ? null : JSON.stringify(run.webhook),
    );
  rememberKey(operation, run);
  if (starts && run.started !== undefined) record(operation, tenantId, id, startOf(run.started, operation.nowMs));
  return { type: starts ? 'started' : 'queued', run: toRun(row) };
}

const startOf = (data: JsonRecord, atMs: number): JournalEntries => ({
  steps: [],
  events: [{ seq: 2, type: 'run.started', attempt: 1, atMs, data }],
});
