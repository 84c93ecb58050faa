import { type EventRow, toEvent } from '../event-row.ts';
import type { JournalStore } from '../port/index.ts';
import { type StepRow, stepColumns, toStep } from '../step-row.ts';
import { createAppendQueue } from './append-queue.ts';
import type { Database, Statement } from './database.ts';
import { isUnavailable } from './grouped-writes.ts';
import { toAppend, toEntriesText } from './journal-rows.ts';
import type { PostgresSignals } from './signals.ts';

// The function is in migrations/002-operations.sql. It checks the fencing token, see `RunAttempt` in
// src/storage/port/fencing.ts.
const appendJournal: Statement = { name: 'append_journal', text: 'select * from append_journal($1)' };
const selectSteps: Statement = {
  name: 'select_steps',
  text: `select ${stepColumns.join(', ')} from steps where run_id = $1 and tenant_id = $2 order by step`,
};
const selectEvents: Statement = {
  name: 'select_events',
  text: `select seq, type, attempt, at_ms, data from events
    where run_id = $1 and tenant_id = $2 and seq > $3 order by seq limit $4`,
};

/**
 * The journal on Postgres. Appends of many runs share one statement. One whose connection was lost is refused with
 * `store_unavailable` and may have happened: the same append again succeeds either way.
 */
export function createJournalStore(database: Database, signals: PostgresSignals) {
  const tell = (runIds: Iterable<string>) => {
    for (const runId of runIds) signals.publish({ type: 'events', runId });
  };

  const queue = createAppendQueue(async (batch) => {
    try {
      const [recorded] = await database.query<{ held_ids: string[]; told_ids: string[] }>(appendJournal, [
        toEntriesText(batch),
      ]);
      tell(recorded?.told_ids ?? []);
      return new Set(recorded?.held_ids);
    } catch (error) {
      // It may have happened, and when it is tried again nothing of it is new.
      if (isUnavailable(error)) tell(batch.filter(({ events }) => events.size > 0).map(({ runId }) => runId));
      throw error;
    }
  }, isUnavailable);

  return {
    async append(tenantId, runId, attempt, entries) {
      return queue.add(toAppend(tenantId, runId, attempt, entries));
    },
    async steps(tenantId, runId) {
      return (await database.query<StepRow<boolean>>(selectSteps, [runId, tenantId])).map(toStep);
    },
    async events(tenantId, runId, afterSeq, limit) {
      return (await database.query<EventRow>(selectEvents, [runId, tenantId, afterSeq, limit])).map(toEvent);
    },
    /** Resolves when nothing waits to be written. */
    written: queue.written,
  } satisfies JournalStore & Record<string, unknown>;
}
