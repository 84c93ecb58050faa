import { z } from 'zod';
import { runStatuses } from '../../storage/port/index.ts';
import { inputItemView } from '../input/input-view.ts';

/** The id of a session. */
export const sessionIdSchema = z
  .string()
  .regex(/^[A-Za-z0-9._:@-]{1,200}$/, 'must be 1 to 200 characters of A-Z a-z 0-9 . _ : @ -')
  .meta({ description: 'Names the session; created if it is new.' });

const time = z.iso.datetime({ precision: 3 }).meta({ description: 'ISO 8601, UTC, milliseconds.' });
const count = z.int().nonnegative();
const durationMs = z.int().nonnegative();

/** Requests and tokens, summed over all model calls of a run, a step or a session. */
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
  always_covers: z.string().nullable().optional().meta({
    description: 'Calls with the same value are decided together by `always: true`; null or absent: by no decision.',
  }),
  requested_at: time,
  expires_at: time.nullable(),
});

/** The action that a run in `requires_action` waits for. */
export const requiredActionView = z
  .object({ type: z.enum(['approval', 'unknown_outcome']), items: z.array(requiredActionItem) })
  .meta({ id: 'RequiredAction' });
/** The action that a run in `requires_action` waits for, as JSON. */
export type RequiredAction = z.output<typeof requiredActionView>;

/** A file that an answer of a run holds or cites. */
const runFileView = z
  .object({
    type: z.enum(['image', 'container_file']),
    step: z.int().positive().meta({ description: 'The model call.' }),
    call_id: z.string().nullable().meta({ description: 'The call of the hosted tool; null for a file that is cited.' }),
    filename: z.string().nullable(),
    media_type: z.string().nullable(),
    bytes: count.nullable().meta({ description: 'Its size; null if the provider keeps it.' }),
    url: z.string().nullable().meta({ description: 'A path of this service, or an address of the provider.' }),
    container_id: z.string().nullable(),
    file_id: z.string().nullable(),
  })
  .meta({ id: 'RunFile' });
/** A file that an answer of a run holds or cites, as JSON. */
export type RunFile = z.output<typeof runFileView>;

/** A run on the wire. */
export const runView = z
  .object({
    run_id: z.string(),
    status: z.enum(runStatuses),
    response: z.string().nullable().meta({ description: 'The final text; structured output as JSON text.' }),
    output: z.unknown().meta({ description: 'Structured output as a value, where the agent has an output type.' }),
    annotations: z.array(z.looseObject({ type: z.string() })).meta({
      description: 'Citations in `response` as the provider gives them, with their positions in it.',
    }),
    files: z.array(runFileView).meta({ description: 'Files that the answers of the run hold or cite.' }),
    session_id: z.string().nullable(),
    tokens_used: count,
    agent: z.string(),
    last_agent: z.string().nullable(),
    model: z.string().nullable(),
    model_requested: z.string().nullable().meta({ description: 'The `model` of the request; null if it named none.' }),
    max_turns: z
      .int()
      .positive()
      .nullable()
      .meta({ description: 'The `max_turns` of the request; null: the limit of the service.' }),
    simulated: z.boolean().meta({ description: 'Whether the simulated model answered, for want of a provider.' }),
    message: z.string().meta({ description: "The text of the user's last message; '' if it has none." }),
    input: z
      .array(inputItemView)
      .nullable()
      .meta({ description: 'The messages of the input; null where the text in `message` is all of it.' }),
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
/** A run on the wire with what only those see who may read runs. */
export const runDetailView = runView
  .extend({
    context: z.record(z.string(), z.unknown()).nullable().meta({
      description: 'The run context as the last recorded step left it; null if nothing was written to it.',
    }),
  })
  .meta({ id: 'RunDetail' });

/** A run as JSON. */
export type RunView = z.output<typeof runView>;
