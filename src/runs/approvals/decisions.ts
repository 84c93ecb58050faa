import { z } from 'zod';
import { ServiceError } from '../../platform/errors.ts';
import type { JournalEntries, Json, Run, Step } from '../../storage/port/index.ts';
import type { RequiredAction } from '../views/schemas.ts';

/** Where the journal keeps what was decided about a call that needs approval. */
export const approvalKey = (callId: string): string => `a:${callId}`;

const decision = z.strictObject({
  call_id: z.string().min(1).max(500),
  decision: z.enum(['approve', 'reject', 'retry', 'use_result', 'fail']),
  reason: z.string().max(2_000).optional().meta({ description: 'For the model, or for the record.' }),
  result: z.unknown().optional().meta({ description: 'With use_result: what the call gave.' }),
});

/** The body of a decision on a run that waits for one. */
export const decisionsBody = z.strictObject({ decisions: z.array(decision).min(1).max(100) }).meta({ id: 'Decisions' });
/** What was decided about one call. */
export type Decision = z.output<typeof decision>;

const allowed = {
  approval: ['approve', 'reject'],
  unknown_outcome: ['retry', 'use_result', 'fail'],
} as const;

const invalid = (reason: string) => new ServiceError('validation_failed', { reason });

/** The step as the decision leaves it. `retry` is kept with the intent; the others are its outcome. */
function settled(step: Step, { decision: what, reason, result }: Decision, by: string): Step {
  const error = {
    name: 'OutcomeUnknown',
    message: reason ?? 'The outcome of this call is not known; it counts as failed.',
  };
  switch (what) {
    case 'retry':
      return { ...step, status: 'started', error: { decision: what, by } };
    case 'use_result':
      return { ...step, status: 'completed', output: (result ?? null) as Json, error: { decision: what, by } };
    default:
      // The model is told, as of any tool that failed; the run goes on.
      return {
        ...step,
        status: 'completed',
        isError: true,
        output: error.message,
        error: { ...error, decision: what, by },
      };
  }
}

function approvalStep(
  run: Run,
  number: number,
  item: RequiredAction['items'][number],
  given: Decision,
  by: string,
  nowMs: number,
): Step {
  return {
    step: number,
    key: approvalKey(item.call_id),
    kind: 'approval',
    scope: '',
    name: item.tool,
    agent: item.agent,
    callId: item.call_id,
    status: 'completed',
    attempt: run.attempt,
    replayed: 0,
    effect: null,
    idempotencyKey: null,
    input: item.arguments as Json,
    output: { decision: given.decision, by, ...(given.reason === undefined ? {} : { reason: given.reason }) },
    isError: false,
    error: null,
    provider: null,
    model: null,
    usage: null,
    costUsd: null,
    requestDigest: null,
    drift: false,
    startedAtMs: Date.parse(item.requested_at),
    firstTokenMs: null,
    durationMs: Math.max(0, nowMs - Date.parse(item.requested_at)),
  };
}

/** What decisions change: the journal's entries, and what is left to be decided. */
export type Settlement = { expected: Json; left: Json | null; entries: JournalEntries };

/**
 * What `decisions` about a run mean for its journal. Pure: the store carries it out if the run still waits for this.
 *
 * @param steps the run's steps, by number
 * @param by the key that decides
 * @throws {ServiceError} `not_waiting` if the run waits for nothing or not for one of these calls, `validation_failed`
 *   if a decision does not fit what is asked
 */
export function settle(
  run: Run,
  steps: readonly Step[],
  decisions: readonly Decision[],
  by: string,
  nowMs: number,
): Settlement {
  const action = run.requiredAction as RequiredAction | null;
  if (run.status !== 'requires_action' || !action)
    throw new ServiceError('not_waiting', { runId: run.id }, { runId: run.id });
  const changed: Step[] = [];
  const left = new Map(action.items.map((item) => [item.call_id, item]));
  for (const given of decisions) {
    const item = left.get(given.call_id);
    if (!item) throw new ServiceError('not_waiting', { runId: run.id }, { runId: run.id });
    if (!(allowed[action.type] as readonly string[]).includes(given.decision)) {
      throw invalid(`decision must be one of ${allowed[action.type].join(', ')} for ${action.type}.`);
    }
    left.delete(given.call_id);
    if (action.type === 'approval') {
      const number = Math.max(0, ...steps.map(({ step }) => step)) + changed.length + 1;
      changed.push(approvalStep(run, number, item, given, by, nowMs));
      continue;
    }
    const step = steps.find(({ callId, status }) => callId === given.call_id && status === 'unknown');
    if (!step) throw new ServiceError('not_waiting', { runId: run.id }, { runId: run.id });
    changed.push(settled(step, given, by));
  }
  const rest = left.size === 0 ? null : ({ ...action, items: [...left.values()] } as Json);
  return { expected: run.requiredAction, left: rest, entries: { steps: changed, events: [] } };
}
