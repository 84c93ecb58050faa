import { cancelledError } from '../cancelled.ts';
import { encoded } from '../not-storable.ts';
import type { JournalEntries, Recovered, RunAttempt, RunError } from '../port/index.ts';
import { type RunRow, toRun } from '../run-row.ts';
import { toJsonText } from '../text.ts';
import type { Database, Statement } from './database.ts';
import { entriesText } from './journal-rows.ts';
import { publishEnd } from './run-end.ts';
import { awaited, columns, placeholders, queryRun } from './run-statements.ts';
import type { PostgresSignals } from './signals.ts';

// The functions are in migrations/002-operations.sql, 003-claims.sql and 008-providers.sql. `hand_back_run` checks the
// fencing token, see `RunAttempt` in src/storage/port/fencing.ts.
const handBackRun: Statement = {
  name: 'hand_back_run',
  text: `select ${columns}, ${awaited} from hand_back_run(${placeholders(6)})`,
};
const recoverRuns: Statement = { name: 'recover_orphans', text: `select ${columns} from recover_orphans($1, $2, $3)` };

/** See `RunStore.handBack`. */
export async function handBack(
  database: Database,
  signals: PostgresSignals,
  { tenantId, runId, attempt }: RunAttempt,
  entries: JournalEntries,
  wakeInMs?: number,
): Promise<boolean> {
  const text = encoded(() => entriesText(tenantId, runId, entries));
  const wakes = wakeInMs === undefined ? null : Math.max(0, Math.ceil(wakeInMs));
  const values = [tenantId, runId, attempt, text, toJsonText(cancelledError), wakes];
  const row = await queryRun(database, handBackRun, values);
  if (row === null) return false;
  if (row.status === 'cancelled') publishEnd(signals, runId, row.awaited);
  else {
    if (entries.events.length > 0) signals.publish({ type: 'events', runId });
    if (wakeInMs === undefined) signals.publish({ type: 'claimable' });
  }
  return true;
}

/** See `RunStore.recoverOrphans`. */
export async function recoverOrphans(
  database: Database,
  signals: PostgresSignals,
  poison: RunError,
  limit: number,
): Promise<Recovered> {
  const values = [toJsonText(poison), toJsonText(cancelledError), limit];
  const rows = await database.query<RunRow<boolean>>(recoverRuns, values);
  const recovered: Recovered = { requeued: [], poisoned: [], cancelled: [] };
  for (const row of rows) {
    const run = toRun(row);
    if (run.status === 'queued') recovered.requeued.push(run);
    else recovered[run.status === 'failed' ? 'poisoned' : 'cancelled'].push(run);
    if (run.status !== 'queued') signals.publish({ type: 'events', runId: run.id });
  }
  // A run that has ended has released its session, and another run may wait for that.
  if (rows.length > 0) signals.publish({ type: 'claimable' });
  return recovered;
}
