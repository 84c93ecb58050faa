import { notStorable } from './not-storable.ts';
import { assertNumbers } from './number-columns.ts';
import type { Step, StepChanges, StepKind, StepStatus } from './port/index.ts';
import { fromExactText, fromJsonText, fromLongJsonText, toExactText, toJsonText } from './text.ts';
import { toUsage, type UsageRow } from './usage-row.ts';

/** A row of `steps`. `Flag` is the engine's type for false and true: 0 and 1 in SQLite. */
export type StepRow<Flag extends number | boolean = number> = {
  [Column in keyof UsageRow]: UsageRow[Column] | null;
} & {
  run_id: string;
  step: number;
  tenant_id: string;
  key: string;
  kind: StepKind;
  scope: string;
  name: string;
  agent: string | null;
  call_id: string | null;
  status: StepStatus;
  attempt: number;
  replayed: number;
  effect: string | null;
  idempotency_key: string | null;
  input: string | null;
  output: string | null;
  is_error: Flag;
  error: string | null;
  provider: string | null;
  model: string | null;
  cost_usd: number | null;
  request_digest: string | null;
  drift: Flag;
  started_at_ms: number;
  first_token_ms: number | null;
  duration_ms: number | null;
  changes: string | null;
};

/** Every column of `StepRow`, in the order in which statements name them. */
export const stepColumns = [
  'run_id',
  'step',
  'tenant_id',
  'key',
  'kind',
  'scope',
  'name',
  'agent',
  'call_id',
  'status',
  'attempt',
  'replayed',
  'effect',
  'idempotency_key',
  'input',
  'output',
  'is_error',
  'error',
  'provider',
  'model',
  'requests',
  'input_tokens',
  'cached_input_tokens',
  'output_tokens',
  'reasoning_tokens',
  'total_tokens',
  'cost_usd',
  'request_digest',
  'drift',
  'started_at_ms',
  'first_token_ms',
  'duration_ms',
  'changes',
] as const satisfies (keyof StepRow)[];

const exact = <T extends string | null>(column: string, name: T): T => {
  if (name !== null && typeof name !== 'string')
    throw notStorable(`steps.${column} takes a text, not a ${typeof name}`);
  return toExactText(name);
};

/** The row of a step, with 0 and 1 for false and true; its values are in the order of `stepColumns`. */
export function toStepRow(tenantId: string, runId: string, step: Step): StepRow {
  return assertNumbers('steps', {
    run_id: runId,
    step: step.step,
    tenant_id: tenantId,
    key: exact('key', step.key),
    kind: step.kind,
    scope: exact('scope', step.scope),
    name: exact('name', step.name),
    agent: exact('agent', step.agent),
    call_id: exact('call_id', step.callId),
    status: step.status,
    attempt: step.attempt,
    replayed: step.replayed,
    effect: exact('effect', step.effect),
    idempotency_key: exact('idempotency_key', step.idempotencyKey),
    input: toJsonText(step.input),
    output: toJsonText(step.output),
    is_error: step.isError ? 1 : 0,
    error: toJsonText(step.error),
    provider: exact('provider', step.provider),
    model: exact('model', step.model),
    requests: step.usage?.requests ?? null,
    input_tokens: step.usage?.inputTokens ?? null,
    cached_input_tokens: step.usage?.cachedInputTokens ?? null,
    output_tokens: step.usage?.outputTokens ?? null,
    reasoning_tokens: step.usage?.reasoningTokens ?? null,
    total_tokens: step.usage?.totalTokens ?? null,
    cost_usd: step.costUsd,
    request_digest: exact('request_digest', step.requestDigest),
    drift: step.drift ? 1 : 0,
    started_at_ms: step.startedAtMs,
    first_token_ms: step.firstTokenMs,
    duration_ms: step.durationMs,
    changes: toJsonText(step.changes),
  });
}

/** What was done beside the steps of these rows, in order. */
export const toChanges = (rows: readonly Pick<StepRow, 'changes'>[]): StepChanges[] =>
  rows
    .map(({ changes }) => fromJsonText<StepChanges>(changes) as StepChanges)
    .sort((one, other) => one.ordinal - other.ordinal);

/** The step of a row. */
export function toStep(row: StepRow<number | boolean>): Step {
  return {
    step: row.step,
    key: fromExactText(row.key),
    kind: row.kind,
    scope: fromExactText(row.scope),
    name: fromExactText(row.name),
    agent: fromExactText(row.agent),
    callId: fromExactText(row.call_id),
    status: row.status,
    attempt: row.attempt,
    replayed: row.replayed,
    effect: fromExactText(row.effect),
    idempotencyKey: fromExactText(row.idempotency_key),
    input: fromJsonText(row.input),
    output: row.kind === 'tool_call' ? fromLongJsonText(row.output) : fromJsonText(row.output),
    isError: Boolean(row.is_error),
    error: fromJsonText(row.error),
    provider: fromExactText(row.provider),
    model: fromExactText(row.model),
    // The six columns are null together: the step called no model, or its provider reported no usage.
    usage: row.requests === null ? null : toUsage(row as UsageRow),
    costUsd: row.cost_usd,
    requestDigest: fromExactText(row.request_digest),
    drift: Boolean(row.drift),
    startedAtMs: row.started_at_ms,
    firstTokenMs: row.first_token_ms,
    durationMs: row.duration_ms,
    changes: fromJsonText<StepChanges>(row.changes),
  };
}
