import { cancelledError } from '../cancelled.ts';
import { encoded } from '../not-storable.ts';
import { assertTotals } from '../number-columns.ts';
import type { Decided, PausedRun, Run, RunAttempt, RunError } from '../port/index.ts';
import { toRun } from '../run-row.ts';
import { toJsonText, toNameText } from '../text.ts';
import { usageValues } from '../usage-row.ts';
import type { Database, Statement } from './database.ts';
import { entriesText } from './journal-rows.ts';
import { publishEnd } from './run-end.ts';
import { awaited, columns, placeholders, queryRun } from './run-statements.ts';
import type { PostgresSignals } from './signals.ts';

// The functions are in migrations/002-operations.sql and 005-approvals.sql. `pause_run` checks the fencing token, see
// `RunAttempt` in src/storage/port/fencing.ts.
const pauseRun: Statement = {
  name: 'pause_run',
  text: `select ${columns}, ${awaited} from pause_run(${placeholders(18)})`,
};
const decideRun: Statement = { name: 'settle_run', text: `select ${columns} from settle_run(${placeholders(5)})` };
const expireRun: Statement = { name: 'expire_action', text: `select ${columns}, ${awaited} from expire_action($1)` };

/** See `RunStore.pause`. */
export async function pause(
  database: Database,
  signals: PostgresSignals,
  { tenantId, runId, attempt }: RunAttempt,
  paused: PausedRun,
): Promise<Run | null> {
  const values = [tenantId, runId, attempt, ...encoded(() => pausedValues(tenantId, runId, paused))];
  const row = await queryRun(database, pauseRun, values);
  if (row === null) return null;
  publishEnd(signals, runId, row.status === 'cancelled' && row.awaited);
  return toRun(row);
}

function pausedValues(tenantId: string, runId: string, paused: PausedRun): unknown[] {
  assertTotals(paused);
  return [
    toJsonText(paused.requiredAction),
    toNameText(paused.lastAgent),
    toNameText(paused.model),
    ...usageValues(paused.usage),
    paused.costUsd,
    paused.drift,
    paused.firstTokenMs,
    entriesText(tenantId, runId, paused.entries),
    toJsonText(cancelledError),
    paused.expiresInMs,
  ];
}

/** See `RunStore.expireAction`. */
export async function expireAction(database: Database, signals: PostgresSignals, error: RunError): Promise<Run | null> {
  const row = await queryRun(database, expireRun, [toJsonText(error)]);
  if (row === null) return null;
  publishEnd(signals, row.id, row.awaited);
  return toRun(row);
}

/** See `RunStore.decide`. */
export async function decide(
  database: Database,
  signals: PostgresSignals,
  tenantId: string,
  runId: string,
  { expected, left, entries }: Decided,
): Promise<Run | null> {
  const values = encoded(() => [toJsonText(expected), toJsonText(left), entriesText(tenantId, runId, entries)]);
  const row = await queryRun(database, decideRun, [tenantId, runId, ...values]);
  if (row === null) return null;
  if (entries.events.length > 0) signals.publish({ type: 'events', runId });
  if (row.status === 'queued') signals.publish({ type: 'claimable' });
  return toRun(row);
}
