import { isStoreUnavailable } from '../../platform/errors.ts';
import { giveWay } from '../../platform/slices.ts';
import { type EventRow, toEvent } from '../event-row.ts';
import { encoded } from '../not-storable.ts';
import type { JournalStore } from '../port/index.ts';
import { type StepRow, stepColumns, toChanges, toStep } from '../step-row.ts';
import { longCharsMin } from '../text.ts';
import { createAppendQueue } from './append-queue.ts';
import type { Database, Statement } from './database.ts';
import { toAppend, toEntriesText } from './journal-rows.ts';
import type { PostgresSignals } from './signals.ts';

// The function is in migrations/002-operations.sql. It checks the fencing token, see `RunAttempt` in
// src/storage/port/fencing.ts.
const appendJournal: Statement = { name: 'append_journal', text: 'select * from append_journal($1)' };
const selectSteps: Statement = {
  name: 'select_steps',
  text: `select ${stepColumns.join(', ')} from steps where run_id = $1 and tenant_id = $2 order by step`,
};
const selectChanges: Statement = {
  name: 'select_changes',
  text: 'select changes from steps where run_id = $1 and tenant_id = $2 and changes is not null',
};
const selectEvents: Statement = {
  name: 'select_events',
  text: `select seq, type, attempt, at_ms, data from events
    where run_id = $1 and tenant_id = $2 and seq > $3 order by seq limit $4`,
};

/**
 * The journal on Postgres. Appends of many runs share one statement. An append whose connection was lost is rejected with
 * `store_unavailable` and may have been committed: the same append again succeeds either way.
 */
export function createJournalStore(database: Database, signals: PostgresSignals) {
  const publish = (runIds: Iterable<string>) => {
    for (const runId of runIds) signals.publish({ type: 'events', runId });
  };

  const queue = createAppendQueue(async (batch) => {
    if (batch.some(({ chars }) => chars >= longCharsMin)) await giveWay(); // it has just been encoded
    try {
      const [recorded] = await database.query<{ held_ids: string[]; told_ids: string[] }>(appendJournal, [
        toEntriesText(batch),
      ]);
      publish(recorded?.told_ids ?? []);
      return new Set(recorded?.held_ids);
    } catch (error) {
      // It may have been committed; a retry then finds nothing new and publishes nothing.
      if (isStoreUnavailable(error)) publish(batch.filter(({ events }) => events.size > 0).map(({ runId }) => runId));
      throw error;
    }
  }, isStoreUnavailable);

  return {
    async append(tenantId, runId, attempt, entries) {
      return queue.add(encoded(() => toAppend(tenantId, runId, attempt, entries)));
    },
    async steps(tenantId, runId) {
      return (await database.query<StepRow<boolean>>(selectSteps, [runId, tenantId])).map(toStep);
    },
    async changes(tenantId, runId) {
      return toChanges(await database.query<Pick<StepRow, 'changes'>>(selectChanges, [runId, tenantId]));
    },
    async events(tenantId, runId, afterSeq, limit) {
      return (await database.query<EventRow>(selectEvents, [runId, tenantId, afterSeq, limit])).map(toEvent);
    },
    /** Resolves when no append is queued. */
    written: queue.written,
  } satisfies JournalStore & Record<string, unknown>;
}
