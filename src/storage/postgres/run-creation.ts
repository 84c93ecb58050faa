import { cancelledError } from '../cancelled.ts';
import { toInputDataRow } from '../input-data-row.ts';
import { encoded } from '../not-storable.ts';
import { type CreateOutcome, type IfBusy, type NewRun, type Run, toInputColumn } from '../port/index.ts';
import { newRunRow, toRun } from '../run-row.ts';
import { toExactText, toJsonText, toNameText } from '../text.ts';
import type { Database, Statement } from './database.ts';
import { createGroupedWrites, fittingLength } from './grouped-writes.ts';
import { publishEnd } from './run-end.ts';
import type { PostgresSignals } from './signals.ts';

/** What one creation returns: only values that the database decides. */
export type CreatedRow = {
  id: string;
  outcome: CreateOutcome['type'];
  other_id: string;
  at_ms: number;
  seq_at_start: number | null;
  claimable: boolean;
  interrupted_id: string | null;
  interrupted: boolean | null;
  /** Of a run that continues its session; else null. */
  agent: string | null;
};

// The function is in migrations/002-operations.sql and, with `waited_ms`, in 011-fair-claims.sql. All runs are one
// parameter, a JSON text.
const createRuns: Statement = {
  name: 'create_runs',
  text: `
    with created as materialized (
      select asked.id, asked.tenant_id, asked.started, made.*,
        case when asked.webhook is not null and made.outcome in ('started', 'queued')
          then set_webhook(asked.id, asked.webhook) end as webhook,
        case when asked.budget_key_id is not null and made.outcome in ('started', 'queued')
          then set_budget_key(asked.id, asked.budget_key_id) end as budget_key,
        case when asked.options is not null and made.outcome in ('started', 'queued')
          then set_run_options(asked.id, asked.options) end as options_set,
        case when asked.input_data is not null and made.outcome in ('started', 'queued')
          then set_input_data(asked.id, asked.tenant_id, asked.input_data) end as input_data,
        case when asked.continues and made.outcome in ('started', 'queued')
          then continue_session(asked.id) end as agent
      from json_to_recordset($1) as asked (
        id text, tenant_id text, session_id text, mode text, agent text, simulated boolean, message text,
        metadata text, timeout_ms bigint, priority integer, run_at_ms bigint, request_id text, app_version text,
        sdk_version text, owner_id text, if_busy text, start_now boolean, key text, fingerprint text,
        key_ttl_ms bigint, started text, waited_ms bigint, webhook text, budget_key_id text,
        options text,
        input_data json, continues boolean
      ) cross join lateral create_run(
        asked.id, asked.tenant_id, session_id, mode, agent, simulated, message, metadata, timeout_ms, priority,
        run_at_ms, request_id, app_version, sdk_version, owner_id, if_busy, start_now, key, fingerprint, key_ttl_ms, $2,
        waited_ms
      ) as made
    ), told as (
      insert into events (run_id, seq, tenant_id, type, attempt, at_ms, data)
      select id, 2, tenant_id, 'run.started', 1, at_ms,
        case when agent is null then started else (started::jsonb || jsonb_build_object('agent', agent))::text end
      from created
      where outcome = 'started' and started is not null
    )
    select id, outcome, other_id, at_ms, seq_at_start, claimable, interrupted_id, interrupted, agent from created`,
};

const textOf = (run: NewRun, ifBusy: IfBusy, startNow: boolean): string =>
  JSON.stringify({
    id: run.id,
    tenant_id: toNameText(run.tenantId),
    session_id: toNameText(run.sessionId),
    mode: run.mode,
    agent: toNameText(run.agent),
    simulated: run.simulated,
    message: toInputColumn(run.input),
    metadata: JSON.stringify(run.metadata),
    timeout_ms: run.timeoutMs,
    priority: run.priority,
    run_at_ms: run.runAtMs,
    request_id: toNameText(run.requestId),
    app_version: run.appVersion,
    sdk_version: run.sdkVersion,
    owner_id: run.ownerId,
    if_busy: ifBusy,
    start_now: startNow,
    key: toExactText(run.idempotency?.key ?? null),
    fingerprint: run.idempotency?.fingerprint,
    key_ttl_ms: run.idempotency?.ttlMs,
    started: toJsonText(run.started ?? null),
    waited_ms: run.waitedMs ?? 0,
    webhook: run.webhook && JSON.stringify(run.webhook),
    budget_key_id: run.budgetKeyId,
    options: toJsonText(run.options),
    input_data: run.inputData?.length ? run.inputData.map(toInputDataRow) : undefined,
    continues: run.continues ?? false,
  });

/**
 * Creates runs in the database. Runs without a session and without an idempotency key need no lock and share statements.
 * Every other run has a statement of its own, so that no transaction waits for the locks of two sessions at once.
 */
export function createCreationQueue(database: Database) {
  async function write(texts: readonly string[]): Promise<CreatedRow[]> {
    const rows = await database.query<CreatedRow>(createRuns, [`[${texts.join(',')}]`, toJsonText(cancelledError)]);
    if (rows.length < texts.length) throw new Error('create_run returned no row');
    return rows; // in the order of the texts: the function is called for each in turn
  }

  const grouped = createGroupedWrites({
    write,
    charsOf: (text: string) => text.length,
    lengthOf: (texts) => fittingLength(texts.map(({ length }) => length)),
  });

  return {
    async add(run: NewRun, ifBusy: IfBusy, startNow: boolean): Promise<CreatedRow> {
      const text = encoded(() => textOf(run, ifBusy, startNow));
      if (run.sessionId === null && run.idempotency === null) return grouped.add(text);
      return (await write([text]))[0] as CreatedRow;
    },

    /** Resolves when no creation is queued. */
    written: grouped.written,
  };
}

/** Dependencies of `create`. */
export type CreationDeps = {
  creations: ReturnType<typeof createCreationQueue>;
  signals: PostgresSignals;
  get(tenantId: string, runId: string): Promise<Run | null>;
};

/** See `RunStore.create`. */
export async function create(
  deps: CreationDeps,
  run: NewRun,
  ifBusy: IfBusy,
  startNow: boolean,
  begun?: (run: Run) => void,
): Promise<CreateOutcome> {
  const { creations, signals, get } = deps;
  const created = await creations.add(run, ifBusy, startNow);
  const { outcome: type, other_id: otherId, interrupted_id: interruptedId } = created;
  if (type === 'busy') return { type, activeRunId: otherId };
  if (type === 'key_reused') return { type };
  if (type === 'existing') {
    const known = await get(run.tenantId, otherId);
    // The run and its key were removed in between.
    if (known === null) return create(deps, run, ifBusy, startNow, begun);
    return { type, run: known };
  }
  if (interruptedId !== null && created.interrupted) publishEnd(signals, interruptedId, false);
  else if (interruptedId !== null) signals.publish({ type: 'cancel', runId: interruptedId });
  if (created.claimable) signals.publish({ type: 'claimable' });
  const stored = toCreatedRun(run, type, created);
  if (type === 'started') begun?.(stored);
  return { type, run: stored };
}

/** The new run from the values of the request and those that only the database knows, without another read. */
function toCreatedRun(run: NewRun, type: 'started' | 'queued', created: CreatedRow): Run {
  const status = type === 'started' ? 'running' : 'queued';
  const agent = created.agent ?? run.agent;
  return toRun(newRunRow({ ...run, agent }, { status, sessionSeq: created.seq_at_start, nowMs: created.at_ms }));
}
