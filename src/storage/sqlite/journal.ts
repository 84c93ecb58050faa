import { type EventRow, toEvent } from '../event-row.ts';
import type { JournalEntries, JournalStore, RunAttempt, Step } from '../port/index.ts';
import { type StepRow, stepColumns, toChanges, toStep, toStepRow } from '../step-row.ts';
import type { Database } from './database.ts';
import { isRunningAttempt } from './fencing.ts';
import type { Operation, Operations } from './operation.ts';

const columns = stepColumns.join(', ');
const changing = stepColumns.filter((column) => !['run_id', 'step', 'tenant_id'].includes(column));

const upsertStep = `
  insert into steps (${columns}) values (${stepColumns.map(() => '?').join(', ')})
  on conflict (run_id, step) do update set ${changing.map((column) => `${column} = excluded.${column}`).join(', ')}`;

const insertEvent =
  'insert into events (run_id, seq, tenant_id, type, attempt, at_ms, data) values (?, ?, ?, ?, ?, ?, ?)';

const selectRunning = `select 1 from runs where ${isRunningAttempt}`;
const selectSteps = `select ${columns} from steps where run_id = ? and tenant_id = ? order by step`;
const selectChanges = 'select changes from steps where run_id = ? and tenant_id = ? and changes is not null';
const selectEvents = `
  select seq, type, attempt, at_ms, data from events where run_id = ? and tenant_id = ? and seq > ?
  order by seq limit ?`;

/** Journals on SQLite. */
export function createJournalStore(database: Database, write: Operations): JournalStore {
  return {
    append: (tenantId, runId, attempt, entries, early = false) =>
      write(
        (operation) => append(operation, { tenantId, runId, attempt }, entries),
        early ? { urgent: true, settles: 'committed' } : {},
      ),
    steps: (tenantId, runId) => database.read((sql) => readSteps({ sql }, tenantId, runId)),
    changes: (tenantId, runId) =>
      database.read((sql) => toChanges(sql(selectChanges).all(runId, tenantId) as Pick<StepRow, 'changes'>[])),
    events: (tenantId, runId, afterSeq, limit) =>
      database.read((sql) => (sql(selectEvents).all(runId, tenantId, afterSeq, limit) as EventRow[]).map(toEvent)),
  };
}

/** The steps of a run, by number. */
export const readSteps = ({ sql }: Pick<Operation, 'sql'>, tenantId: string, runId: string): Step[] =>
  (sql(selectSteps).all(runId, tenantId) as StepRow[]).map(toStep);

function append(operation: Operation, { tenantId, runId, attempt }: RunAttempt, entries: JournalEntries): boolean {
  if (operation.sql(selectRunning).get(runId, tenantId, attempt) === undefined) return false;
  record(operation, tenantId, runId, entries);
  return true;
}

/**
 * Records entries as a part of an operation that has checked that it may. Throws, so that the operation is undone, if an
 * event is recorded already or two steps have one key.
 */
export function record({ sql, publish }: Operation, tenantId: string, runId: string, entries: JournalEntries): void {
  for (const step of entries.steps) {
    sql(upsertStep).run(...Object.values(toStepRow(tenantId, runId, step)));
  }
  for (const { seq, type, attempt, atMs, data } of entries.events) {
    sql(insertEvent).run(runId, seq, tenantId, type, attempt, atMs, JSON.stringify(data));
  }
  if (entries.events.length > 0) publish({ type: 'events', runId });
}

const insertNextEvent = `
  insert into events (run_id, seq, tenant_id, type, attempt, at_ms, data)
  values (?1, (select coalesce(max(seq), 1) + 1 from events where run_id = ?1), ?, ?, ?, ?, '{}')`;

/** Records an event of the store itself after the last recorded one, for a run that no process executes. */
export function recordStoreEvent({ sql, nowMs, publish }: Operation, run: RunAttempt, type: string): void {
  sql(insertNextEvent).run(run.runId, run.tenantId, type, run.attempt, nowMs);
  publish({ type: 'events', runId: run.runId });
}
