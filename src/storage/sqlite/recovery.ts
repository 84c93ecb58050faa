import type { JournalEntries, Recovered, RunAttempt, RunError } from '../port/index.ts';
import { toRun } from '../run-row.ts';
import { applyCancelRequest, type StoppedRow } from './cancellation.ts';
import { isRunningAttempt } from './fencing.ts';
import { record } from './journal.ts';
import type { Operation } from './operation.ts';
import { end } from './run-end.ts';
import { columns } from './run-statements.ts';

/** So many crashes with no step completed in between make a run a poison run. */
const crashesMax = 3;

const handBackRun = `
  update runs set status = 'queued', owner_id = null, clock_stopped_at_ms = ?, run_at_ms = coalesce(?, run_at_ms)
  where ${isRunningAttempt}
  returning ${columns}, cancel_requested_at_ms`;

/** See `RunStore.handBack`. */
export function handBack(
  operation: Operation,
  { tenantId, runId, attempt }: RunAttempt,
  entries: JournalEntries,
  wakeInMs?: number,
): boolean {
  const { nowMs, steadyMs } = operation;
  const wakes = wakeInMs === undefined ? null : nowMs + Math.max(0, Math.ceil(wakeInMs));
  const stopped = wakes === null ? steadyMs : null; // the time of a run that waits for something goes on
  const row = operation.sql(handBackRun).get(stopped, wakes, runId, tenantId, attempt) as StoppedRow | undefined;
  if (row === undefined) return false;
  record(operation, tenantId, runId, entries);
  if (applyCancelRequest(operation, row) === null && wakes === null) operation.publish({ type: 'claimable' });
  return true;
}

// The index is named since it holds running runs only: in order of arrival, SQLite would read all runs.
const selectOrphans = `
  select id from runs indexed by runs_owned
  where status = 'running'
    and not exists (select 1 from processes where processes.id = runs.owner_id and lease_expires_at_ms > ?)
  order by arrival limit ?`;

// Its clock stops when the lease of its process ended or, if the process is not known, at its last event; but never in
// the future.
const takeBackRun = `
  update runs set status = 'queued', crashes = crashes + 1,
    crashes_without_step = case when completed > steps_at_crash then 1 else crashes_without_step + 1 end,
    steps_at_crash = completed,
    clock_stopped_at_ms = min(?, coalesce(
      (select lease_expires_at_ms from processes where processes.id = runs.owner_id),
      (select at_ms from events where events.run_id = runs.id order by seq desc limit 1),
      started_at_ms)),
    owner_id = null
  from (select count(*) as completed from steps where run_id = ?2 and status = 'completed')
  where id = ?2
  returning ${columns}, cancel_requested_at_ms, crashes_without_step`;

type TakenBackRow = StoppedRow & { crashes_without_step: number };

/** See `RunStore.recoverOrphans`. */
export function recoverOrphans(operation: Operation, poison: RunError, limit: number): Recovered {
  const recovered: Recovered = { requeued: [], poisoned: [], cancelled: [] };
  const orphans = operation.sql(selectOrphans).all(operation.steadyMs, limit) as { id: string }[];
  for (const { id } of orphans) takeBack(operation, id, poison, recovered);
  if (recovered.requeued.length > 0) operation.publish({ type: 'claimable' });
  return recovered;
}

function takeBack(operation: Operation, runId: string, poison: RunError, recovered: Recovered): void {
  const row = operation.sql(takeBackRun).get(operation.steadyMs, runId) as TakenBackRow;
  const cancelled = applyCancelRequest(operation, row);
  if (cancelled !== null) recovered.cancelled.push(cancelled);
  else if (row.crashes_without_step >= crashesMax) recovered.poisoned.push(end(operation, runId, 'failed', poison));
  else recovered.requeued.push(toRun(row));
}
