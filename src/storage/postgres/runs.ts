import { cancelledError } from '../cancelled.ts';
import type {
  CreateOutcome,
  FinalRun,
  IfBusy,
  JournalEntries,
  NewRun,
  OwnedRun,
  PausedRun,
  Run,
  RunStore,
} from '../port/index.ts';
import { newRunRow, type RunRow, runColumns, toRun } from '../run-row.ts';
import { toExactText, toJsonText, toNameText } from '../text.ts';
import { usageValues } from '../usage-row.ts';
import { claimRuns, recoverOrphans } from './claims.ts';
import type { Database, Statement } from './database.ts';
import { toAppend, toEntriesText } from './entries.ts';
import { listRuns } from './run-list.ts';
import type { PostgresSignals } from './signals.ts';

type Row = RunRow<boolean>;

const columns = runColumns.join(', ');

const placeholders = (count: number): string => Array.from({ length: count }, (_, index) => `$${index + 1}`).join(', ');

// The functions are in migrations/002-operations.sql. A run that ends is asked with it whether somebody waited for its
// session; whoever comes later finds that free.
const awaited = 'next_in_line(tenant_id, session_id) is not null as awaited';
const createRun: Statement = { name: 'create_run', text: `select * from create_run(${placeholders(21)})` };
const finishRun: Statement = {
  name: 'finish_run',
  text: `select ${columns}, ${awaited} from finish_run(${placeholders(20)})`,
};
const requestCancel: Statement = {
  name: 'request_cancel',
  text: `select ${columns}, ${awaited} from request_cancel(${placeholders(3)})`,
};
const handBackRun: Statement = {
  name: 'hand_back_run',
  text: `select ${columns}, ${awaited} from hand_back_run(${placeholders(5)})`,
};
const pauseRun: Statement = {
  name: 'pause_run',
  text: `select ${columns}, ${awaited} from pause_run(${placeholders(17)})`,
};
const settleRun: Statement = { name: 'settle_run', text: `select ${columns} from settle_run(${placeholders(5)})` };
const selectOwned: Statement = {
  name: 'owned_runs',
  text: `select id, tenant_id as "tenantId", attempt, cancel_requested_at_ms is not null as "cancelRequested"
    from runs where owner_id = $1 and status = 'running'`,
};
const selectRun: Statement = {
  name: 'select_run',
  text: `select ${columns} from runs where id = $1 and tenant_id = $2`,
};
// Each number from an index of its own, which holds no other runs.
const countUnfinished: Statement = {
  name: 'count_unfinished',
  text: `select
    (select count(*) from runs where status = 'queued') as queued,
    (select count(*) from runs where status = 'running') as running,
    (select count(*) from runs where status = 'requires_action') as requires_action`,
};

/** Runs on Postgres: one statement and one round trip an operation. */
export function createRunStore(database: Database, signals: PostgresSignals): RunStore {
  /** Tells others of a run that ended, and of its session if somebody waits for that. */
  const tellEnd = (runId: string, freed: boolean) => {
    signals.publish({ type: 'events', runId });
    if (freed) signals.publish({ type: 'claimable' });
  };

  const one = async (statement: Statement, values: unknown[]): Promise<(Row & { awaited: boolean }) | null> =>
    (await database.query<Row & { awaited: boolean }>(statement, values))[0] ?? null;

  const get = async (tenantId: string, runId: string): Promise<Run | null> => {
    const row = await one(selectRun, [runId, tenantId]);
    return row === null ? null : toRun(row);
  };

  return {
    create: (run, ifBusy, startNow) => create({ database, signals, get, tellEnd }, run, ifBusy, startNow),
    claim: (ownerId, options) => claimRuns(database, ownerId, options),
    recoverOrphans: (poison, limit) => recoverOrphans(database, signals, poison, limit),
    async handBack(tenantId, runId, attempt, entries) {
      const text = entriesText(tenantId, runId, entries);
      const row = await one(handBackRun, [tenantId, runId, attempt, text, toJsonText(cancelledError)]);
      if (row === null) return false;
      if (row.status === 'cancelled') tellEnd(runId, row.awaited);
      else {
        if (entries.events.length > 0) signals.publish({ type: 'events', runId });
        signals.publish({ type: 'claimable' });
      }
      return true;
    },
    async requestCancel(tenantId, runId, error) {
      const row = await one(requestCancel, [tenantId, runId, toJsonText(error)]);
      if (row === null) return null;
      if (row.status === 'running') signals.publish({ type: 'cancel', runId });
      else if (row.status === 'cancelled') tellEnd(runId, row.awaited);
      return toRun(row);
    },
    owned: (ownerId) => database.query<OwnedRun>(selectOwned, [ownerId]),
    async pause(tenantId, runId, attempt, paused) {
      const row = await one(pauseRun, [tenantId, runId, attempt, ...pausedValues(tenantId, runId, paused)]);
      if (row === null) return null;
      tellEnd(runId, row.status === 'cancelled' && row.awaited);
      return toRun(row);
    },
    async settle(tenantId, runId, { expected, left, entries }) {
      const text = entriesText(tenantId, runId, entries);
      const row = await one(settleRun, [tenantId, runId, toJsonText(expected), toJsonText(left), text]);
      if (row === null) return null;
      if (entries.events.length > 0) signals.publish({ type: 'events', runId });
      if (row.status === 'queued') signals.publish({ type: 'claimable' });
      return toRun(row);
    },
    async finish(tenantId, runId, attempt, final) {
      const row = await one(finishRun, [tenantId, runId, attempt, ...finalValues(tenantId, runId, final)]);
      if (row === null) return null;
      tellEnd(runId, row.awaited);
      return toRun(row);
    },
    get,
    list: (tenantId, filter, limit, before) => listRuns(database, tenantId, filter, limit, before),
    async countUnfinished() {
      const [counted] = await database.query<Record<'queued' | 'running' | 'requires_action', number>>(countUnfinished);
      if (counted === undefined) throw new Error('counting returned no row');
      return counted;
    },
  };
}

type CreateRow = {
  outcome: CreateOutcome['type'];
  other_id: string;
  at_ms: number;
  seq_at_start: number | null;
  claimable: boolean;
  interrupted_id: string | null;
  interrupted: boolean | null;
};

type CreateDeps = {
  database: Database;
  signals: PostgresSignals;
  get(tenantId: string, runId: string): Promise<Run | null>;
  tellEnd(runId: string, freed: boolean): void;
};

async function create(deps: CreateDeps, run: NewRun, ifBusy: IfBusy, startNow: boolean): Promise<CreateOutcome> {
  const { database, signals, get, tellEnd } = deps;
  const [created] = await database.query<CreateRow>(createRun, newRunValues(run, ifBusy, startNow));
  if (created === undefined) throw new Error('create_run returned no row');
  const { outcome: type, other_id: otherId, interrupted_id: interruptedId } = created;
  if (type === 'busy') return { type, activeRunId: otherId };
  if (type === 'key_reused') return { type };
  if (type === 'existing') {
    const known = await get(run.tenantId, otherId);
    if (known === null) throw new Error(`run ${otherId} was removed while its key was read`);
    return { type, run: known };
  }
  if (interruptedId !== null && created.interrupted) tellEnd(interruptedId, false);
  else if (interruptedId !== null) signals.publish({ type: 'cancel', runId: interruptedId });
  if (created.claimable) signals.publish({ type: 'claimable' });
  const status = type === 'started' ? 'running' : 'queued';
  // What came back is what only the database knows; the rest of the row is known here.
  const row = newRunRow(run, { status, sessionSeq: created.seq_at_start, nowMs: created.at_ms });
  return { type, run: toRun(row) };
}

const newRunValues = (run: NewRun, ifBusy: IfBusy, startNow: boolean): unknown[] => [
  run.id,
  run.tenantId,
  run.sessionId,
  run.mode,
  run.agent,
  run.simulated,
  JSON.stringify(run.message),
  JSON.stringify(run.metadata),
  run.timeoutMs,
  run.priority,
  run.runAtMs,
  run.requestId,
  run.appVersion,
  run.sdkVersion,
  run.ownerId,
  ifBusy,
  startNow,
  toExactText(run.idempotency?.key ?? null),
  run.idempotency?.fingerprint,
  run.idempotency?.ttlMs,
  toJsonText(cancelledError),
];

/** A run's own entries; those of an append carry an attempt, these are fenced by the operation they belong to. */
const entriesText = (tenantId: string, runId: string, entries: JournalEntries): string =>
  toEntriesText([toAppend(tenantId, runId, 0, entries)]);

const finalValues = (tenantId: string, runId: string, final: FinalRun): unknown[] => [
  final.status,
  nameOf(final.lastAgent),
  nameOf(final.model),
  toJsonText(final.response),
  toJsonText(final.output),
  ...usageValues(final.usage),
  final.costUsd,
  toJsonText(final.error),
  final.drift,
  final.firstTokenMs,
  final.newItems.map((item) => JSON.stringify(item)),
  entriesText(tenantId, runId, final.entries),
];

const pausedValues = (tenantId: string, runId: string, paused: PausedRun): unknown[] => [
  toJsonText(paused.requiredAction),
  nameOf(paused.lastAgent),
  nameOf(paused.model),
  ...usageValues(paused.usage),
  paused.costUsd,
  paused.drift,
  paused.firstTokenMs,
  entriesText(tenantId, runId, paused.entries),
  toJsonText(cancelledError),
];

const nameOf = (name: string | null): string | null => (name === null ? null : toNameText(name));
