import { z } from 'zod';
import type { Settings } from '../../platform/settings/settings.ts';
import { runStatuses, webhookEvents, webhookUrlCharsMax } from '../../storage/port/index.ts';

/** Deepest nesting that `metadata` may have. */
const metadataDepthMax = 32;
const metadataBytesMax = 16 * 1024;

/** Whether `value` is nested at most `depthMax` deep; walks without recursion, so that no input can exhaust the stack. */
export function isNestedAtMost(value: unknown, depthMax: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > depthMax) return false;
    level = level.flatMap((entry) => (typeof entry === 'object' && entry !== null ? Object.values(entry) : []));
  }
  return true;
}

// Checked before zod recurses into it.
const metadataSchema = z
  .record(z.string(), z.unknown())
  .refine((value) => isNestedAtMost(value, metadataDepthMax), {
    message: `may be nested at most ${metadataDepthMax} levels deep`,
    abort: true,
  })
  .refine((value) => Buffer.byteLength(JSON.stringify(value)) <= metadataBytesMax, 'may have at most 16 KiB as JSON')
  .meta({ description: 'Facts of the caller’s own, kept with the run; at most 16 KiB.' });

/** What a session may be called. */
export const sessionIdSchema = z
  .string()
  .regex(/^[A-Za-z0-9._:@-]{1,200}$/, 'must be 1 to 200 characters of A-Z a-z 0-9 . _ : @ -')
  .meta({ description: 'Names the conversation; made if new.' });

/** What a body is bound by: `runTimeoutMs` bounds `timeout_s`. */
export type BodyLimits = Pick<Settings, 'inputCharsMax' | 'runTimeoutMs'>;

/** The body of the routes that create a run and wait for it, within this service's limits. */
export const createRunBody = ({ inputCharsMax, runTimeoutMs }: BodyLimits) =>
  z
    .strictObject({
      message: z
        .string()
        .min(1)
        .max(inputCharsMax)
        .refine((text) => !text.includes('\0'), 'may not contain the NUL character')
        .meta({ description: 'What the user says.' }),
      session_id: sessionIdSchema.optional(),
      metadata: metadataSchema.optional(),
      agent: z.string().min(1).max(200).optional().meta({ description: 'Defaults to the entry agent.' }),
      if_busy: z
        .enum(['wait', 'reject', 'interrupt'])
        .default('wait')
        .meta({ description: 'What to do while another run of the session goes on.' }),
      timeout_s: z
        .number()
        .positive()
        .max(runTimeoutMs / 1000)
        .optional()
        .meta({ description: 'Seconds the run may take, waiting included.' }),
    })
    .meta({ id: 'CreateRun' });

const webhookBody = z
  .strictObject({
    url: z.string().min(1).max(webhookUrlCharsMax).meta({ description: 'Where the events are sent.' }),
    events: z
      .array(z.enum(webhookEvents))
      .min(1)
      .refine((events) => new Set(events).size === events.length, 'may name an event once')
      .default([...webhookEvents])
      .meta({ description: 'What to tell; all of them by default.' }),
  })
  .meta({ description: 'Whom to tell of the end of the run, or that it waits for a person.' });

/** The body of a run in the background. */
export const createBackgroundRunBody = (limits: BodyLimits) =>
  createRunBody(limits)
    .extend({
      priority: z.int().min(-100).max(100).optional().meta({ description: 'Higher is claimed earlier; 0 by default.' }),
      run_at: z.iso.datetime({ offset: true }).optional().meta({ description: 'Not before this time.' }),
      webhook: webhookBody.optional(),
    })
    .meta({ id: 'CreateBackgroundRun' });

/** A request for a run, as it came over the wire. */
export type CreateRun = z.output<ReturnType<typeof createRunBody>> &
  Partial<Pick<z.output<ReturnType<typeof createBackgroundRunBody>>, 'priority' | 'run_at' | 'webhook'>>;

/** The header that makes a request that is repeated the same request. */
export const idempotencyHeader = z.object({
  'idempotency-key': z
    .string()
    .min(1)
    .max(255)
    .optional()
    .meta({ description: 'The same key and body attach to the same run, for 24 hours.' }),
});

const time = z.iso.datetime({ precision: 3 }).meta({ description: 'ISO 8601, UTC, milliseconds.' });
const count = z.int().nonnegative();
const durationMs = z.int().nonnegative();

/** Tokens, over all model calls of what they are given for. */
export const usageView = z
  .object({
    requests: count,
    input_tokens: count,
    cached_input_tokens: count,
    output_tokens: count,
    reasoning_tokens: count,
    total_tokens: count,
  })
  .meta({ id: 'Usage' });

const errorView = z.object({ code: z.string(), detail: z.string(), retryable: z.boolean() }).meta({ id: 'RunError' });

const requiredActionItem = z.object({
  call_id: z.string(),
  tool: z.string(),
  arguments: z.unknown(),
  agent: z.string(),
  effect: z.string(),
  requested_at: time,
  expires_at: time.nullable(),
});

/** What a run waits for. */
export const requiredActionView = z
  .object({ type: z.enum(['approval', 'unknown_outcome']), items: z.array(requiredActionItem) })
  .meta({ id: 'RequiredAction' });
/** What a run waits for, as JSON. */
export type RequiredAction = z.output<typeof requiredActionView>;

/** A run on the wire. */
export const runView = z
  .object({
    run_id: z.string(),
    status: z.enum(runStatuses),
    response: z.string().nullable().meta({ description: 'The final text; structured output as JSON text.' }),
    output: z.unknown().meta({ description: 'Structured output as a value, where the agent has an output type.' }),
    session_id: z.string().nullable(),
    tokens_used: count,
    agent: z.string(),
    last_agent: z.string().nullable(),
    model: z.string().nullable(),
    simulated: z.boolean().meta({ description: 'Whether the simulated model answered, for want of a provider.' }),
    message: z.string(),
    metadata: z.record(z.string(), z.unknown()),
    usage: usageView,
    cost_usd: z.number().nullable(),
    attempt: count,
    crashes: count,
    required_action: requiredActionView.nullable(),
    error: errorView.nullable(),
    drift: z.boolean(),
    timings: z.object({
      queued_ms: durationMs.nullable(),
      first_token_ms: durationMs.nullable(),
      running_ms: durationMs.nullable(),
      total_ms: durationMs.nullable(),
    }),
    created_at: time,
    started_at: time.nullable(),
    finished_at: time.nullable(),
  })
  .meta({ id: 'Run' });
/** A run as JSON. */
export type RunView = z.output<typeof runView>;

/** Query of the routes that create a run. */
export const createRunQuery = z.strictObject({
  on_disconnect: z
    .enum(['continue', 'cancel'])
    .default('continue')
    .meta({ description: 'What becomes of the run when the client goes away.' }),
});

/** Where a page starts: the id of the last run of the page before. */
export const runCursor = z.strictObject({ id: z.string().max(100) });

const timeFilter = z.iso.datetime({ offset: true }).optional();

/** Which runs to list. */
export const listRunsQuery = {
  status: z.enum(runStatuses).optional(),
  session_id: sessionIdSchema.optional(),
  agent: z.string().min(1).max(200).optional(),
  since: timeFilter.meta({ description: 'Runs created at or after this time.' }),
  until: timeFilter.meta({ description: 'Runs created before this time.' }),
};
