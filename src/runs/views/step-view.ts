import { z } from 'zod';
import { type Json, type Step, stepKinds, stepStatuses } from '../../storage/port/index.ts';
import { ReferenceResolver, type ReferenceSources } from '../tool-outputs/resolve-references.ts';
import { shownOutput } from '../tool-outputs/tool-output.ts';
import { toTime, toUsageView } from './run-view.ts';
import { usageView } from './schemas.ts';

/** A step of a run on the wire. */
export const stepView = z
  .object({
    step: z.int().positive(),
    kind: z.enum(stepKinds),
    scope: z.string(),
    name: z.string(),
    agent: z.string().nullable(),
    call_id: z.string().nullable(),
    status: z.enum(stepStatuses),
    attempt: z.int().nonnegative(),
    replayed: z.int().nonnegative().meta({ description: 'How often the journal answered instead of executing.' }),
    effect: z.string().nullable(),
    idempotency_key: z.string().nullable(),
    input: z.unknown().meta({
      description:
        'Of a model call: what is new in it. A long string that is stored elsewhere in the run or its session is a reference, {"$ref": …}.',
    }),
    output: z.unknown().meta({
      description:
        'Of a tool call: its result; what is more than JSON as {"$type": …}, bytes as base64. Of a model call: output, response_id and usage of the answer; end is "unstated" where the provider did not say how an answer in one piece ended.',
    }),
    is_error: z.boolean(),
    error: z.unknown(),
    provider: z.string().nullable(),
    model: z.string().nullable(),
    usage: usageView.nullable(),
    cost_usd: z.number().nullable(),
    request_digest: z.string().nullable(),
    drift: z.boolean(),
    started_at: z.string(),
    first_token_ms: z.int().nullable(),
    duration_ms: z.int().nullable(),
  })
  .meta({ id: 'Step' });
/** A step as JSON. */
export type StepView = z.output<typeof stepView>;

/** A recorded step as the wire shows it; `shown` makes the output of a tool call. */
export const toStepView = (step: Step, shown = shownOutput): StepView => ({
  step: step.step,
  kind: step.kind,
  scope: step.scope,
  name: step.name,
  agent: step.agent,
  call_id: step.callId,
  status: step.status,
  attempt: step.attempt,
  replayed: step.replayed,
  effect: step.effect,
  idempotency_key: step.idempotencyKey,
  input: step.input,
  output: step.kind === 'tool_call' ? shown(step.output) : step.output,
  is_error: step.isError,
  error: step.error,
  provider: step.provider,
  model: step.model,
  usage: step.usage && toUsageView(step.usage),
  cost_usd: step.costUsd,
  request_digest: step.requestDigest,
  drift: step.drift,
  started_at: toTime(step.startedAtMs),
  first_token_ms: step.firstTokenMs,
  duration_ms: step.durationMs,
});

/**
 * The steps with the whole input of each model call. The journal stores only the new items of each input, which are
 * appended here to those of the earlier calls in the same scope, and references to long strings, which are resolved.
 */
export function withWholeInput(sources: ReferenceSources): StepView[] {
  const references = new ReferenceResolver(sources);
  const before = new Map<string, Json[]>();
  return sources.steps.map((step) => {
    const view = toStepView(step);
    if (step.kind !== 'model_call') return view;
    const resolved = references.resolve(step.input);
    if (!Array.isArray(resolved)) return { ...view, input: resolved };
    const input = [...(before.get(step.scope) ?? []), ...resolved];
    before.set(step.scope, input);
    return { ...view, input };
  });
}
