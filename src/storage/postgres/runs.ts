import { type InputDataRow, toInputData } from '../input-data-row.ts';
import type { Run, RunStore } from '../port/index.ts';
import { toRun } from '../run-row.ts';
import { decide, expireAction, pause } from './approvals.ts';
import { ownedRuns, requestCancel } from './cancellation.ts';
import { claim } from './claims.ts';
import type { Database, Statement } from './database.ts';
import { isKeyUsed } from './idempotency.ts';
import { handBack, recoverOrphans } from './recovery.ts';
import { create, createCreationQueue } from './run-creation.ts';
import { createEndQueue, finish } from './run-end.ts';
import { listRuns } from './run-list.ts';
import { columns, queryRun } from './run-statements.ts';
import type { PostgresSignals } from './signals.ts';

const selectRun: Statement = {
  name: 'select_run',
  text: `select ${columns} from runs where id = $1 and tenant_id = $2`,
};
const selectInputData: Statement = {
  name: 'select_input_data',
  text: 'select marker, data from run_input_data where run_id = $1 and tenant_id = $2 order by n',
};
// Each number from an index of its own, which holds no other runs.
const countUnfinished: Statement = {
  name: 'count_unfinished',
  text: `select
    (select count(*) from runs where status = 'queued') as queued,
    (select count(*) from runs where status = 'running') as running,
    (select count(*) from runs where status = 'requires_action') as requires_action`,
};
// The runs are read only if no process is found.
const countUnclaimed: Statement = {
  name: 'count_unclaimed',
  text: `select count(*) as unclaimed from runs
    where status = 'queued' and mode = 'background' and (run_at_ms is null or run_at_ms <= now_ms()) and not exists (
      select from processes where lease_expires_at_ms > steady_ms() and claims and claims_background
    )`,
};

/** Runs on Postgres: one statement and one round trip an operation. */
export function createRunStore(database: Database, signals: PostgresSignals) {
  const creations = createCreationQueue(database);
  const ends = createEndQueue(database);
  const get = async (tenantId: string, runId: string): Promise<Run | null> => {
    const row = await queryRun(database, selectRun, [runId, tenantId]);
    return row === null ? null : toRun(row);
  };
  const creation = { creations, signals, get };

  return {
    create: (run, ifBusy, startNow, begun) => create(creation, run, ifBusy, startNow, begun),
    claim: (ownerId, options) => claim(database, ownerId, options),
    handBack: (tenantId, runId, attempt, entries, wakeInMs) =>
      handBack(database, signals, { tenantId, runId, attempt }, entries, wakeInMs),
    recoverOrphans: (poison, limit) => recoverOrphans(database, signals, poison, limit),
    requestCancel: (tenantId, runId, error) => requestCancel(database, signals, tenantId, runId, error),
    owned: (ownerId) => ownedRuns(database, ownerId),
    pause: (tenantId, runId, attempt, paused) => pause(database, signals, { tenantId, runId, attempt }, paused),
    decide: (tenantId, runId, decided) => decide(database, signals, tenantId, runId, decided),
    expireAction: (error) => expireAction(database, signals, error),
    finish: (run, final) => finish(ends, signals, run, final),
    isKeyUsed: (tenantId, key) => isKeyUsed(database, tenantId, key),
    get,
    async inputData(tenantId, runId) {
      return (await database.query<InputDataRow>(selectInputData, [runId, tenantId])).map(toInputData);
    },
    list: (tenantId, filter, limit, before) => listRuns(database, tenantId, filter, limit, before),
    async countUnfinished() {
      const [counted] = await database.query<Record<'queued' | 'running' | 'requires_action', number>>(countUnfinished);
      if (counted === undefined) throw new Error('counting returned no row');
      return counted;
    },
    async countUnclaimed() {
      const [counted] = await database.query<{ unclaimed: number }>(countUnclaimed);
      return counted?.unclaimed ?? 0;
    },
    /** Resolves when no write is queued. */
    written: async (): Promise<void> => void (await Promise.all([creations.written(), ends.written()])),
  } satisfies RunStore & Record<string, unknown>;
}
