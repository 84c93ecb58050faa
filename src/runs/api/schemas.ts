import { z } from 'zod';
import type { Settings } from '../../platform/settings/settings.ts';
import { runStatuses, webhookEvents, webhookUrlCharsMax } from '../../storage/port/index.ts';
import { eventIncludes } from '../events/events.ts';
import { contentPart, plainText } from '../input/content-parts.ts';
import { inputMessage, listOf } from '../input/messages.ts';
import { sessionIdSchema } from '../views/schemas.ts';

/** Deepest nesting that `metadata` may have, and its longest JSON text. */
const metadataDepthMax = 32;
const metadataBytesMax = 16 * 1024;

/** Whether `value` is nested at most `depthMax` deep; walks without recursion, so that no input can exhaust the stack. */
function isNestedAtMost(value: unknown, depthMax: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > depthMax) return false;
    level = level.flatMap((entry) => (typeof entry === 'object' && entry !== null ? Object.values(entry) : []));
  }
  return true;
}

// The nesting is checked before zod recurses into the value.
const metadataSchema = z
  .record(z.string(), z.unknown())
  .refine((value) => isNestedAtMost(value, metadataDepthMax), {
    message: `may be nested at most ${metadataDepthMax} levels deep`,
    abort: true,
  })
  .refine((value) => Buffer.byteLength(JSON.stringify(value)) <= metadataBytesMax, 'may have at most 16 KiB as JSON')
  .meta({ description: 'Facts of the caller’s own, kept with the run; at most 16 KiB.' });

/** The limits of a body that creates a run: `runTimeoutMs` limits `timeout_s`, and `turnsMax` limits `max_turns`. */
export type BodyLimits = Pick<Settings, 'inputCharsMax' | 'inputPartsMax' | 'runTimeoutMs' | 'turnsMax'>;

/** The fields of a body that creates a run. */
const runFields = ({ inputCharsMax, inputPartsMax, runTimeoutMs, turnsMax }: BodyLimits) => ({
  message: z
    .union([plainText.min(1).max(inputCharsMax), listOf(contentPart, inputPartsMax)])
    .optional()
    .meta({ description: 'What the user says: a text, or content parts. Either this or `input`.' }),
  input: listOf(inputMessage(inputPartsMax), inputPartsMax)
    .optional()
    .meta({ description: 'In place of `message`: messages, the last one of the user.' }),
  session_id: sessionIdSchema.optional(),
  metadata: metadataSchema.optional(),
  agent: z.string().min(1).max(200).optional().meta({
    description:
      'One of GET /api/v1/agents. Defaults to the entry agent, or to the last agent of the session where the service is set so.',
  }),
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
  max_turns: z.int().min(1).max(turnsMax).optional().meta({
    description: 'The most turns of the run. Defaults to the limit of the service, and is never above it.',
  }),
  model: z.string().min(1).max(200).optional().meta({
    description: 'The model of the agents that allow it; `models` of GET /api/v1/agents lists what each allows.',
  }),
});

type Inputs = { message?: unknown; input?: unknown };

/** That there is one input; found together with all other mistakes of the body. */
const withOneInput = <Body extends z.ZodType<Inputs>>(body: Body) => {
  const error = 'exactly one of message and input must be there';
  const when = ({ value }: { value: unknown }) => typeof value === 'object' && value !== null;
  return body
    .refine(({ message, input }) => message !== undefined || input !== undefined, { path: ['message'], error, when })
    .refine(({ message, input }) => message === undefined || input === undefined, { path: ['input'], error, when });
};

/** The body of the routes that create a run and wait for its end. */
export const createRunBody = (limits: BodyLimits) =>
  withOneInput(z.strictObject(runFields(limits))).meta({ id: 'CreateRun' });

const webhookBody = z
  .strictObject({
    url: z.string().min(1).max(webhookUrlCharsMax).meta({ description: 'Where the events are sent.' }),
    events: z
      .array(z.enum(webhookEvents))
      .min(1)
      .refine((events) => new Set(events).size === events.length, 'may name an event once')
      .default([...webhookEvents])
      .meta({ description: 'The events that are sent; all of them by default.' }),
  })
  .meta({ description: 'A URL that is notified when the run ends, or waits for a person.' });

/** The body of the route that creates a background run. */
export const createBackgroundRunBody = (limits: BodyLimits) =>
  withOneInput(
    z.strictObject({
      ...runFields(limits),
      priority: z.int().min(-100).max(100).optional().meta({ description: 'Higher is claimed earlier; 0 by default.' }),
      run_at: z.iso.datetime({ offset: true }).optional().meta({ description: 'Not before this time.' }),
      webhook: webhookBody.optional(),
    }),
  ).meta({ id: 'CreateBackgroundRun' });

/** The header by which a repeated request attaches to the run of the first one. */
export const idempotencyHeader = z.object({
  'idempotency-key': z
    .string()
    .min(1)
    .max(255)
    .optional()
    .meta({ description: 'The same key and body attach to the same run, for 24 hours.' }),
});

/** Query of the routes that create a run, and of those that show its events. */
const includeQuery = {
  include: z.enum(eventIncludes).optional().meta({
    description: 'Events that have to be asked for: `agent_text` is the text of agents used as tools.',
  }),
};

/** Query of the route that creates a background run. */
export const createBackgroundRunQuery = z.strictObject(includeQuery);

/** Query of the routes that create a run and wait for it. */
export const createRunQuery = z.strictObject({
  ...includeQuery,
  on_disconnect: z
    .enum(['continue', 'cancel'])
    .default('continue')
    .meta({ description: 'What becomes of the run when the client goes away.' }),
});

/** Where a page of runs starts: after the run of this id, the last one of the page before. */
export const runCursor = z.strictObject({ id: z.string().max(100) });

const timeFilter = z.iso.datetime({ offset: true }).optional();

/** Query of the list of runs: every condition that is given must hold. */
export const listRunsQuery = {
  status: z.enum(runStatuses).optional(),
  session_id: sessionIdSchema.optional(),
  agent: z.string().min(1).max(200).optional(),
  since: timeFilter.meta({ description: 'Runs created at or after this time.' }),
  until: timeFilter.meta({ description: 'Runs created before this time.' }),
};

/** Path of the route of a file of a run. */
export const fileParams = z.object({
  id: z.string().max(100),
  file: z.string().max(40).meta({ description: 'As in `url` of the files of the run.' }),
});

/** Path of the routes about one run. */
export const runParams = z.object({ id: z.string().max(100) });

/** Path of the route that returns data of a run's input, by its number from 1. */
export const inputDataParams = runParams.extend({
  n: z.coerce.number().int().min(1).max(1_000_000).meta({ description: 'The number at the end of its `url`.' }),
});

/** Query of the events of a run. */
export const followRunQuery = z.strictObject({
  ...includeQuery,
  after: z.coerce.number().int().min(0).optional().meta({ description: 'Only events after this number.' }),
});

/** Query of the journal of a run. */
export const listStepsQuery = z.strictObject({
  expand: z
    .enum(['input'])
    .optional()
    .meta({ description: 'The whole input of model calls, with references resolved as far as 32 MiB.' }),
});
