import {
  type FinalRun,
  fromInputColumn,
  type JsonRecord,
  type NewRun,
  type Run,
  type RunError,
  type RunMode,
  type RunOptions,
  type RunStatus,
  toInputColumn,
} from './port/index.ts';
import { fromJsonText, toJsonText, toNameText } from './text.ts';
import { noUsageRow, toUsage, type UsageRow } from './usage-row.ts';

/**
 * A row of `runs`, without the columns that the port does not show. `Flag` is the engine's type for false and true: 0 and
 * 1 in SQLite.
 */
export type RunRow<Flag extends number | boolean = number> = UsageRow & {
  id: string;
  tenant_id: string;
  session_id: string | null;
  status: RunStatus;
  mode: RunMode;
  agent: string;
  last_agent: string | null;
  model: string | null;
  simulated: Flag;
  message: string;
  metadata: string;
  options: string | null;
  response: string | null;
  output: string | null;
  annotations: string | null;
  files: string | null;
  cost_usd: number | null;
  error: string | null;
  required_action: string | null;
  drift: Flag;
  attempt: number;
  crashes: number;
  owner_id: string | null;
  timeout_ms: number;
  priority: number;
  run_at_ms: number | null;
  session_seq_at_start: number | null;
  request_id: string;
  app_version: string;
  sdk_version: string;
  budget_key_id: string | null;
  first_token_ms: number | null;
  created_at_ms: number;
  started_at_ms: number | null;
  finished_at_ms: number | null;
};

/** How a new run begins: started with the items its session has, or waiting. */
export type Beginning = { status: 'running' | 'queued'; sessionSeq: number | null; nowMs: number };

/**
 * Every column of `RunRow`, in the order in which statements name them. Parameters are given by position: with names,
 * `node:sqlite` takes three times as long for a row.
 */
export const runColumns = [
  'id',
  'tenant_id',
  'session_id',
  'status',
  'mode',
  'agent',
  'last_agent',
  'model',
  'simulated',
  'message',
  'metadata',
  'options',
  'response',
  'output',
  'annotations',
  'files',
  'requests',
  'input_tokens',
  'cached_input_tokens',
  'output_tokens',
  'reasoning_tokens',
  'total_tokens',
  'cost_usd',
  'error',
  'required_action',
  'drift',
  'attempt',
  'crashes',
  'owner_id',
  'timeout_ms',
  'priority',
  'run_at_ms',
  'session_seq_at_start',
  'request_id',
  'app_version',
  'sdk_version',
  'budget_key_id',
  'first_token_ms',
  'created_at_ms',
  'started_at_ms',
  'finished_at_ms',
] as const satisfies (keyof RunRow)[];

/** The row of a new run, with 0 and 1 for false and true; its values are in the order of `runColumns`. */
export function newRunRow(run: NewRun, { status, sessionSeq, nowMs }: Beginning): RunRow {
  const started = status === 'running';
  return {
    id: run.id,
    tenant_id: run.tenantId,
    session_id: run.sessionId,
    status,
    mode: run.mode,
    agent: run.agent,
    last_agent: null,
    model: null,
    simulated: run.simulated ? 1 : 0,
    message: toInputColumn(run.input),
    metadata: JSON.stringify(run.metadata),
    options: toJsonText(run.options),
    response: null,
    output: null,
    annotations: null,
    files: null,
    ...noUsageRow,
    cost_usd: null,
    error: null,
    required_action: null,
    drift: 0,
    attempt: started ? 1 : 0,
    crashes: 0,
    owner_id: started ? run.ownerId : null,
    timeout_ms: run.timeoutMs,
    priority: run.priority,
    run_at_ms: run.runAtMs,
    session_seq_at_start: started ? sessionSeq : null,
    request_id: run.requestId,
    app_version: run.appVersion,
    sdk_version: run.sdkVersion,
    budget_key_id: run.budgetKeyId,
    first_token_ms: null,
    created_at_ms: nowMs - (run.waitedMs ?? 0),
    started_at_ms: started ? nowMs : null,
    finished_at_ms: null,
  };
}

/** A run as its end leaves it. */
export const toEndedRun = (run: Run, final: FinalRun, finishedAtMs: number): Run => ({
  ...run,
  status: final.status,
  lastAgent: toNameText(final.lastAgent),
  model: toNameText(final.model),
  response: final.response,
  output: final.output,
  annotations: final.annotations,
  files: final.files,
  usage: final.usage,
  costUsd: final.costUsd,
  error: final.error,
  requiredAction: null,
  drift: final.drift,
  ownerId: null,
  firstTokenMs: final.firstTokenMs,
  finishedAtMs,
});

/** The run of a row. */
export function toRun(row: RunRow<number | boolean>): Run {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    sessionId: row.session_id,
    status: row.status,
    mode: row.mode,
    agent: row.agent,
    lastAgent: row.last_agent,
    model: row.model,
    simulated: Boolean(row.simulated),
    input: fromInputColumn(row.message),
    metadata: JSON.parse(row.metadata) as JsonRecord,
    options: fromJsonText<RunOptions>(row.options),
    response: fromJsonText<string>(row.response),
    output: fromJsonText(row.output),
    annotations: fromJsonText(row.annotations),
    files: fromJsonText(row.files),
    usage: toUsage(row),
    costUsd: row.cost_usd,
    error: fromJsonText<RunError>(row.error),
    requiredAction: fromJsonText(row.required_action),
    drift: Boolean(row.drift),
    attempt: row.attempt,
    crashes: row.crashes,
    ownerId: row.owner_id,
    timeoutMs: row.timeout_ms,
    priority: row.priority,
    runAtMs: row.run_at_ms,
    sessionSeqAtStart: row.session_seq_at_start,
    requestId: row.request_id,
    appVersion: row.app_version,
    sdkVersion: row.sdk_version,
    budgetKeyId: row.budget_key_id,
    firstTokenMs: row.first_token_ms,
    createdAtMs: row.created_at_ms,
    startedAtMs: row.started_at_ms,
    finishedAtMs: row.finished_at_ms,
  };
}
