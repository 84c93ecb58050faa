import { z } from 'zod';
import type { Run } from '../../storage/port/index.ts';
import { requiredActionView, runView } from '../views/schemas.ts';

const envelope = {
  seq: z.int().positive().meta({ description: 'Rises within a run, from 1; events that are not shown leave gaps.' }),
  run_id: z.string(),
  at: z.string(),
  attempt: z.int(),
  simulated: z.literal(true).optional().meta({ description: 'Present when the simulated model answers.' }),
};

const event = <const T extends string, Shape extends z.ZodRawShape>(type: T, payload: Shape) =>
  z.object({ type: z.literal(type), ...envelope, ...payload });

const step = z.int().positive();

const hosted = z.literal(true).optional().meta({ description: 'Present when the provider executes the tool.' });
const agentAnswer = { step, scope: z.string(), agent: z.string().nullable() };
const reasoningPart = {
  step,
  part: z.int().positive().meta({ description: 'Which part of the step’s summaries it is, from 1.' }),
};

/** The events of a run (`text/event-stream`; `id` is `seq`, `event` is `type`). */
export const runEvent = z
  .discriminatedUnion('type', [
    event('run.created', { run: runView }),
    event('run.started', { agent: z.string() }),
    event('text.delta', { step, delta: z.string() }),
    event('text.reset', { step, reason: z.string() }),
    event('reasoning.delta', { ...reasoningPart, delta: z.string() }),
    event('reasoning.completed', { ...reasoningPart, text: z.string() }),
    event('agent.text.delta', { ...agentAnswer, delta: z.string() }),
    event('agent.text.reset', { ...agentAnswer, reason: z.string() }),
    event('tool.started', { step, call_id: z.string(), tool: z.string(), arguments: z.unknown(), hosted }),
    event('tool.completed', {
      step,
      call_id: z.string(),
      tool: z.string(),
      arguments: z.unknown(),
      output: z.string().meta({
        description:
          'What the tool gave, as text: 64 KiB at most, with a description in the place of the bytes of images and files.',
      }),
      is_error: z.boolean(),
      duration_ms: z.int().nonnegative(),
      hosted,
    }),
    event('handoff', {
      from: z.string(),
      to: z.string(),
      ordinal: z.int().positive().meta({ description: 'Which handoff of the run it is, from 1.' }),
    }),
    event('provider.failed_over', {
      from: z.string(),
      to: z.string(),
      reason: z.string().meta({ description: 'What was wrong with the provider that was asked before.' }),
    }),
    event('budget.warning', {
      scope: z.enum(['run', 'key', 'tenant']),
      unit: z.enum(['tokens', 'usd']),
      period: z.enum(['run', 'day', 'month']),
      used: z.number().meta({ description: 'Tokens or USD.' }),
      limit: z.number(),
    }),
    event('run.resumed', { after: z.enum(['recovery', 'decision', 'handback']) }),
    event('run.requires_action', { required_action: requiredActionView }),
    event('run.completed', { run: runView }),
    event('run.failed', { run: runView }),
    event('run.cancelled', { run: runView }),
    event('run.timed_out', { run: runView }),
  ])
  .meta({ id: 'RunEvent' });

/** One event of a run, with its number. */
export type RunEvent = z.output<typeof runEvent>;

type Envelope = 'seq' | 'run_id' | 'at' | 'attempt' | 'simulated';
type WithoutEnvelope<E> = E extends RunEvent ? Omit<E, Envelope> : never;

/** An event without its envelope: it has no number yet. */
export type RunEventBody = WithoutEnvelope<RunEvent>;

/** Events that are shown only to those who ask for them. */
export const eventIncludes = ['agent_text'] as const;
/** One of `eventIncludes`. */
export type EventInclude = (typeof eventIncludes)[number];

/** The events that the request for a run has asked for: only these are recorded. */
export const includesOf = ({ options }: Pick<Run, 'options'>): readonly EventInclude[] =>
  (options?.include ?? []) as readonly EventInclude[];

const optionalTypes: Record<string, EventInclude> = {
  'agent.text.delta': 'agent_text',
  'agent.text.reset': 'agent_text',
} satisfies Partial<Record<RunEvent['type'], EventInclude>>;

const knownTypes: ReadonlySet<string> = new Set(runEvent.options.map(({ shape }) => shape.type.value));

/**
 * Whether a viewer is shown events of this type: unless they have to be asked for. A later version of the service, whose
 * processes share the store while it is rolled out, may have recorded types that this one does not know.
 */
export const isShown = (type: string, include: EventInclude | undefined): boolean =>
  knownTypes.has(type) && (optionalTypes[type] === undefined || optionalTypes[type] === include);

const finalTypes: ReadonlySet<string> = new Set<RunEvent['type']>([
  'run.completed',
  'run.failed',
  'run.cancelled',
  'run.timed_out',
]);

/** Whether this event is the last one of its run. */
export const endsRun = (type: string): boolean => finalTypes.has(type);

/** Whether a stream ends after this event: the run has ended or requires an action. */
export const endsStream = (type: string): boolean => endsRun(type) || type === 'run.requires_action';
