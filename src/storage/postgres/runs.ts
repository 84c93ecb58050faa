import { cancelledError } from '../cancelled.ts';
import type { CreateOutcome, IfBusy, NewRun, OwnedRun, PausedRun, Run, RunStore } from '../port/index.ts';
import { newRunRow, type RunRow, runColumns, toEndedRun, toRun } from '../run-row.ts';
import { toExactText, toJsonText, toNameText } from '../text.ts';
import { usageValues } from '../usage-row.ts';
import { claimRuns, recoverOrphans } from './claims.ts';
import type { Database, Statement } from './database.ts';
import { entriesText } from './journal-rows.ts';
import { createRunCreation, type RunCreation } from './run-creation.ts';
import { createRunEnd } from './run-end.ts';
import { listRuns } from './run-list.ts';
import type { PostgresSignals } from './signals.ts';

type Row = RunRow<boolean>;

const columns = runColumns.join(', ');

const placeholders = (count: number): string => Array.from({ length: count }, (_, index) => `$${index + 1}`).join(', ');

// The functions are in migrations/002-operations.sql. A run that ends is asked with it whether somebody waited for its
// session; whoever comes later finds that free.
const awaited = 'next_in_line(tenant_id, session_id) is not null as awaited';
const requestCancel: Statement = {
  name: 'request_cancel',
  text: `select ${columns}, ${awaited} from request_cancel(${placeholders(3)})`,
};
const handBackRun: Statement = {
  name: 'hand_back_run',
  text: `select ${columns}, ${awaited} from hand_back_run(${placeholders(6)})`,
};
const pauseRun: Statement = {
  name: 'pause_run',
  text: `select ${columns}, ${awaited} from pause_run(${placeholders(18)})`,
};
const decideRun: Statement = { name: 'settle_run', text: `select ${columns} from settle_run(${placeholders(5)})` };
const expireAction: Statement = {
  name: 'expire_action',
  text: `select ${columns}, ${awaited} from expire_action($1)`,
};
const selectOwned: Statement = {
  name: 'owned_runs',
  text: `select id, tenant_id as "tenantId", attempt, cancel_requested_at_ms is not null as "cancelRequested"
    from runs where owner_id = $1 and status = 'running'`,
};
const selectRun: Statement = {
  name: 'select_run',
  text: `select ${columns} from runs where id = $1 and tenant_id = $2`,
};
const selectKey: Statement = {
  name: 'select_idempotency_key',
  text: 'select 1 from idempotency_keys where tenant_id = $1 and key = $2',
};
// Each number from an index of its own, which holds no other runs.
const countUnfinished: Statement = {
  name: 'count_unfinished',
  text: `select
    (select count(*) from runs where status = 'queued') as queued,
    (select count(*) from runs where status = 'running') as running,
    (select count(*) from runs where status = 'requires_action') as requires_action`,
};
// The runs are looked at only where no process is found.
const countUnattended: Statement = {
  name: 'count_unattended',
  text: `select count(*) as unattended from runs
    where status = 'queued' and mode = 'background' and (run_at_ms is null or run_at_ms <= now_ms()) and not exists (
      select from processes where lease_expires_at_ms > steady_ms() and claims and claims_background
    )`,
};

/** Runs on Postgres: one statement and one round trip an operation. */
export function createRunStore(database: Database, signals: PostgresSignals) {
  const creation = createRunCreation(database);
  const end = createRunEnd(database);
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
    async create(run, ifBusy, startNow, begun) {
      const outcome = await create({ creation, signals, get, tellEnd }, run, ifBusy, startNow);
      if (outcome.type === 'started') begun?.(outcome.run);
      return outcome;
    },
    claim: (ownerId, options) => claimRuns(database, ownerId, options),
    recoverOrphans: (poison, limit) => recoverOrphans(database, signals, poison, limit),
    async handBack(tenantId, runId, attempt, entries, wakeInMs) {
      const text = entriesText(tenantId, runId, entries);
      const wakes = wakeInMs === undefined ? null : Math.max(0, Math.ceil(wakeInMs));
      const row = await one(handBackRun, [tenantId, runId, attempt, text, toJsonText(cancelledError), wakes]);
      if (row === null) return false;
      if (row.status === 'cancelled') tellEnd(runId, row.awaited);
      else {
        if (entries.events.length > 0) signals.publish({ type: 'events', runId });
        if (wakeInMs === undefined) signals.publish({ type: 'claimable' });
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
    async decide(tenantId, runId, { expected, left, entries }) {
      const text = entriesText(tenantId, runId, entries);
      const row = await one(decideRun, [tenantId, runId, toJsonText(expected), toJsonText(left), text]);
      if (row === null) return null;
      if (entries.events.length > 0) signals.publish({ type: 'events', runId });
      if (row.status === 'queued') signals.publish({ type: 'claimable' });
      return toRun(row);
    },
    async expireAction(error) {
      const row = await one(expireAction, [toJsonText(error)]);
      if (row === null) return null;
      tellEnd(row.id, row.awaited);
      return toRun(row);
    },
    async finish(run, final) {
      const ended = await end.finish(run, final);
      if (ended === null) return null;
      tellEnd(run.id, ended.awaited);
      return toEndedRun(run, final, ended.finishedAtMs);
    },
    async isKeyUsed(tenantId, key) {
      return (await database.query(selectKey, [toNameText(tenantId), toExactText(key)])).length > 0;
    },
    get,
    list: (tenantId, filter, limit, before) => listRuns(database, tenantId, filter, limit, before),
    async countUnfinished() {
      const [counted] = await database.query<Record<'queued' | 'running' | 'requires_action', number>>(countUnfinished);
      if (counted === undefined) throw new Error('counting returned no row');
      return counted;
    },
    async countUnattended() {
      const [counted] = await database.query<{ unattended: number }>(countUnattended);
      return counted?.unattended ?? 0;
    },
    /** Resolves when nothing waits to be written. */
    written: async (): Promise<void> => void (await Promise.all([creation.written(), end.written()])),
  } satisfies RunStore & Record<string, unknown>;
}

type CreateDeps = {
  creation: RunCreation;
  signals: PostgresSignals;
  get(tenantId: string, runId: string): Promise<Run | null>;
  tellEnd(runId: string, freed: boolean): void;
};

async function create(deps: CreateDeps, run: NewRun, ifBusy: IfBusy, startNow: boolean): Promise<CreateOutcome> {
  const { creation, signals, get, tellEnd } = deps;
  const created = await creation.create(run, ifBusy, startNow);
  const { outcome: type, other_id: otherId, interrupted_id: interruptedId } = created;
  if (type === 'busy') return { type, activeRunId: otherId };
  if (type === 'key_reused') return { type };
  if (type === 'existing') {
    const known = await get(run.tenantId, otherId);
    // Removed meanwhile, and its key with it.
    if (known === null) return create(deps, run, ifBusy, startNow);
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

const pausedValues = (tenantId: string, runId: string, paused: PausedRun): unknown[] => [
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
