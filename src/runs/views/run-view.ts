import { type Run, toInputText, type Usage } from '../../storage/port/index.ts';
import { toInputView } from '../input/input-view.ts';
import { optionsOf } from '../run-options.ts';
import type { RequiredAction, RunView } from './schemas.ts';

/** A time on the wire: ISO 8601, UTC, milliseconds. */
export const toTime = (atMs: number): string => new Date(atMs).toISOString();

const toTimeOrNull = (atMs: number | null) => (atMs === null ? null : toTime(atMs));

const between = (fromMs: number | null, toMs: number | null) =>
  fromMs === null || toMs === null ? null : Math.max(0, Math.round(toMs - fromMs));

/** The usage of tokens on the wire. */
export const toUsageView = (usage: Usage): RunView['usage'] => ({
  requests: usage.requests,
  input_tokens: usage.inputTokens,
  cached_input_tokens: usage.cachedInputTokens,
  output_tokens: usage.outputTokens,
  reasoning_tokens: usage.reasoningTokens,
  total_tokens: usage.totalTokens,
});

/** A stored run as the wire shows it. */
export const toRunView = (run: Run): RunView => ({
  run_id: run.id,
  status: run.status,
  response: run.response,
  output: run.output,
  annotations: (run.annotations ?? []) as RunView['annotations'],
  files: (run.files ?? []) as RunView['files'],
  session_id: run.sessionId,
  tokens_used: run.usage.totalTokens,
  agent: run.agent,
  last_agent: run.lastAgent,
  model: run.model,
  model_requested: optionsOf(run).model ?? null,
  max_turns: optionsOf(run).max_turns ?? null,
  simulated: run.simulated,
  message: toInputText(run.input),
  input: toInputView(run),
  metadata: run.metadata,
  usage: toUsageView(run.usage),
  cost_usd: run.costUsd,
  attempt: run.attempt,
  crashes: run.crashes,
  required_action: run.requiredAction as RequiredAction | null,
  error: run.error,
  drift: run.drift,
  timings: {
    queued_ms: between(run.createdAtMs, run.startedAtMs),
    first_token_ms: run.firstTokenMs,
    running_ms: between(run.startedAtMs, run.finishedAtMs),
    total_ms: between(run.createdAtMs, run.finishedAtMs),
  },
  created_at: toTime(run.createdAtMs),
  started_at: toTimeOrNull(run.startedAtMs),
  finished_at: toTimeOrNull(run.finishedAtMs),
});
