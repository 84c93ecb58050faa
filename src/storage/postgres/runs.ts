import type { CreateOutcome, FinalRun, NewRun, PausedRun, RunStore } from '../port/index.ts';
import { newRunRow, type RunRow, runColumns, toRun } from '../run-row.ts';
import { toJsonText } from '../text.ts';
import { usageColumns, usageValues } from '../usage-row.ts';
import type { Database, Statement } from './database.ts';
import { listRuns } from './run-list.ts';

type Row = RunRow<boolean>;

const columns = runColumns.join(', ');

const placeholders = (count: number): string => Array.from({ length: count }, (_, index) => `$${index + 1}`).join(', ');

// The functions are in migrations/002-operations.sql.
const createRun: Statement = { name: 'create_run', text: `select * from create_run(${placeholders(14)})` };
const startQueuedRun: Statement = {
  name: 'start_queued_run',
  text: `select ${columns} from start_queued_run(${placeholders(3)})`,
};
const finishRun: Statement = { name: 'finish_run', text: `select ${columns} from finish_run(${placeholders(18)})` };
// The session stays held, so no lock of it is needed.
const pauseRun: Statement = {
  name: 'pause_run',
  text: `
    update runs set status = 'requires_action', owner_id = null, required_action = $4, last_agent = $5, model = $6,
      cost_usd = $7, first_token_ms = $8, ${usageColumns.map((column, index) => `${column} = $${index + 9}`).join(', ')}
    where tenant_id = $1 and id = $2 and attempt = $3 and status = 'running'
    returning ${columns}`,
};
const failOrphans: Statement = {
  name: 'fail_orphans',
  text: `select ${columns} from fail_orphans(${placeholders(2)})`,
};
const selectRun: Statement = {
  name: 'select_run',
  text: `select ${columns} from runs where id = $1 and tenant_id = $2`,
};

/** Runs on Postgres: one statement and one round trip an operation. */
export function createRunStore(database: Database): RunStore {
  return {
    create: (run, ifBusy) => create(database, run, ifBusy),
    async startQueued(tenantId, runId, ownerId) {
      const [row] = await database.query<Row>(startQueuedRun, [tenantId, runId, ownerId]);
      return row === undefined ? null : toRun(row);
    },
    async finish(tenantId, runId, attempt, final) {
      const [row] = await database.query<Row>(finishRun, [tenantId, runId, attempt, ...finalValues(final)]);
      return row === undefined ? null : toRun(row);
    },
    async pause(tenantId, runId, attempt, paused) {
      const [row] = await database.query<Row>(pauseRun, [tenantId, runId, attempt, ...pausedValues(paused)]);
      return row === undefined ? null : toRun(row);
    },
    async get(tenantId, runId) {
      const [row] = await database.query<Row>(selectRun, [runId, tenantId]);
      return row === undefined ? null : toRun(row);
    },
    list: (tenantId, filter, limit, before) => listRuns(database, tenantId, filter, limit, before),
    async failOrphans(error, limit) {
      return (await database.query<Row>(failOrphans, [toJsonText(error), limit])).map(toRun);
    },
  };
}

type CreateRow =
  | { outcome: 'started' | 'queued'; at_ms: number; seq_at_start: number | null }
  | { outcome: 'busy'; holder_id: string };

async function create(database: Database, run: NewRun, ifBusy: 'wait' | 'reject'): Promise<CreateOutcome> {
  const [created] = await database.query<CreateRow>(createRun, [
    run.id,
    run.tenantId,
    run.sessionId,
    run.mode,
    run.agent,
    run.simulated,
    JSON.stringify(run.message),
    JSON.stringify(run.metadata),
    run.timeoutMs,
    run.requestId,
    run.appVersion,
    run.sdkVersion,
    run.ownerId,
    ifBusy === 'wait',
  ]);
  if (created === undefined) throw new Error('create_run returned no row');
  if (created.outcome === 'busy') return { type: 'busy', activeRunId: created.holder_id };
  const status = created.outcome === 'started' ? 'running' : 'queued';
  // What came back is what only the database knows; the rest of the row is known here.
  const row = newRunRow(run, { status, sessionSeq: created.seq_at_start, nowMs: created.at_ms });
  return { type: created.outcome, run: toRun(row) };
}

const finalValues = (final: FinalRun): unknown[] => [
  final.status,
  final.lastAgent,
  final.model,
  toJsonText(final.response),
  toJsonText(final.output),
  ...usageValues(final.usage),
  final.costUsd,
  toJsonText(final.error),
  final.firstTokenMs,
  final.newItems.map((item) => JSON.stringify(item)),
];

const pausedValues = (paused: PausedRun): unknown[] => [
  toJsonText(paused.requiredAction),
  paused.lastAgent,
  paused.model,
  paused.costUsd,
  paused.firstTokenMs,
  ...usageValues(paused.usage),
];
