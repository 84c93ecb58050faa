import { z } from 'zod';
import { ServiceError } from '../../platform/errors.ts';
import type { JournalEntries, Json, Run, Step } from '../../storage/port/index.ts';
import { recordOutput } from '../tool-outputs/tool-output.ts';
import type { RequiredAction } from '../views/schemas.ts';

/** The journal key of the decision about a call that needs approval. */
export const approvalKey = (callId: string): string => `a:${callId}`;

const decision = z.strictObject({
  call_id: z.string().min(1).max(500),
  decision: z.enum(['approve', 'reject', 'retry', 'use_result', 'fail']),
  always: z.boolean().default(false).meta({
    description: 'With approve or reject: decides all further calls of this tool in this run as well.',
  }),
  reason: z.string().max(2_000).optional().meta({ description: 'For the model, or for the record.' }),
  result: z.unknown().optional().meta({ description: 'With use_result: what the call gave.' }),
});

/** The body of a request that decides about a run in `requires_action`. */
export const decisionsBody = z.strictObject({ decisions: z.array(decision).min(1).max(100) }).meta({ id: 'Decisions' });
/** A decision about one call. */
export type Decision = z.input<typeof decision>;

/**
 * A decision as the step of an approval records it. `covered_by` is the call whose decision for all calls
 * (`always`) has decided this one as well.
 */
export type RecordedDecision = {
  decision: 'approve' | 'reject';
  by: string;
  reason?: string;
  always?: true;
  covered_by?: string;
};

const allowed = {
  approval: ['approve', 'reject'],
  unknown_outcome: ['retry', 'use_result', 'fail'],
} as const;

const invalid = (reason: string) => new ServiceError('validation_failed', { reason });
const notWaiting = (runId: string) => new ServiceError('not_waiting', { runId }, { runId });

/** What a person gives as a result; the body of the request is limited. */
const recordResult = ({ name }: Step, result: unknown): Json =>
  recordOutput(result ?? null, { tool: name, bytesMax: Number.POSITIVE_INFINITY });

/**
 * The step after the decision about its unknown outcome. `retry` is recorded with the started step; the other decisions
 * are its outcome.
 */
function withOutcome(step: Step, { decision: outcome, reason, result }: Decision, by: string): Step {
  const error = {
    name: 'OutcomeUnknown',
    message: reason ?? 'The outcome of this call is not known; it counts as failed.',
  };
  switch (outcome) {
    case 'retry':
      return { ...step, status: 'started', error: { decision: outcome, by } };
    case 'use_result':
      return { ...step, status: 'completed', output: recordResult(step, result), error: { decision: outcome, by } };
    default:
      // The model gets an error result, as from any tool that failed; the run continues.
      return {
        ...step,
        status: 'completed',
        isError: true,
        output: error.message,
        error: { ...error, decision: outcome, by },
      };
  }
}

type Item = RequiredAction['items'][number];

const toRecorded = ({ decision: outcome, reason, always }: Decision, by: string): RecordedDecision => ({
  decision: outcome as RecordedDecision['decision'],
  by,
  ...(reason === undefined ? {} : { reason }),
  ...(always ? { always } : {}),
});

function approvalStep(run: Run, number: number, item: Item, recorded: RecordedDecision, nowMs: number): Step {
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
    output: recorded,
    isError: false,
    error: null,
    provider: null,
    model: null,
    usage: null,
    costUsd: null,
    requestDigest: null,
    changes: null,
    drift: false,
    startedAtMs: Date.parse(item.requested_at),
    firstTokenMs: null,
    durationMs: Math.max(0, nowMs - Date.parse(item.requested_at)),
  };
}

/** What decisions change: the journal entries to write, and the required action that is left, if any. */
export type AppliedDecisions = { expected: Json; left: Json | null; entries: JournalEntries };

/** The items of a required action, each with the decision about it. */
type Approvals = Map<Item, RecordedDecision>;

/**
 * Extends the decisions for all calls to the items that they cover and that have no decision of their own.
 *
 * @throws {ServiceError} `validation_failed` if the SDK cannot keep such a decision, or two of them differ
 */
function withCovered(items: readonly Item[], given: Approvals): Approvals {
  const all = new Map(given);
  for (const [item, recorded] of given) {
    if (!recorded.always) continue;
    const covers = item.always_covers ?? null;
    if (covers === null) throw invalid(`The call ${item.call_id} can only be decided alone, without always.`);
    for (const other of items.filter(({ always_covers }) => always_covers === covers)) {
      const own = given.get(other);
      if (own?.always && (own.decision !== recorded.decision || own.reason !== recorded.reason)) {
        throw invalid(`The decisions with always about ${item.tool} contradict each other.`);
      }
      if (own) continue;
      const { always: _, ...decided } = recorded;
      all.set(other, { ...decided, covered_by: item.call_id });
    }
  }
  return all;
}

/** The steps of approvals. They are numbered after the last step of the run. */
function approvalSteps(run: Run, steps: readonly Step[], approvals: Approvals, nowMs: number): Step[] {
  const last = Math.max(0, ...steps.map(({ step }) => step));
  return [...approvals].map(([item, recorded], index) => approvalStep(run, last + index + 1, item, recorded, nowMs));
}

const hasKind = (value: unknown, key: string, type: string): boolean =>
  typeof value === 'object' && value !== null && typeof (value as Record<string, unknown>)[key] === type;

/**
 * The result of a guardrail decides whether the run goes on: one that says nothing about that would let it pass.
 *
 * @throws {ServiceError} `validation_failed`
 */
function checkResult({ kind, name }: Step, { decision: outcome, result }: Decision): void {
  if (kind !== 'guardrail' || outcome !== 'use_result') return;
  if (hasKind(result, 'tripwireTriggered', 'boolean') || hasKind(result, 'behavior', 'object')) return;
  throw invalid(`The result of the guardrail ${name} has to be what it returns, such as {"tripwireTriggered": false}.`);
}

/** @throws {ServiceError} `validation_failed` */
function checkDecision(type: RequiredAction['type'], { decision: outcome, always }: Decision): void {
  if (!(allowed[type] as readonly string[]).includes(outcome)) {
    throw invalid(`decision must be one of ${allowed[type].join(', ')} for ${type}.`);
  }
  if (always && type !== 'approval') throw invalid(`always is not possible for ${type}.`);
}

/**
 * Applies `decisions` to the required action of a run. Pure: the store writes the result if the run still waits for
 * exactly `expected`.
 *
 * @param steps the run's steps, by number
 * @param by the id of the key that decides
 * @throws {ServiceError} `not_waiting` if the run waits for no decision, or for none about one of these calls;
 *   `validation_failed` if a decision is not one of those allowed for the required action
 */
export function applyDecisions(
  run: Run,
  steps: readonly Step[],
  decisions: readonly Decision[],
  by: string,
  nowMs: number,
): AppliedDecisions {
  const action = run.requiredAction as RequiredAction | null;
  if (run.status !== 'requires_action' || !action) throw notWaiting(run.id);
  const outcomes: Step[] = [];
  const approvals: Approvals = new Map();
  const left = new Map(action.items.map((item) => [item.call_id, item]));
  for (const given of decisions) {
    const item = left.get(given.call_id);
    if (!item) throw notWaiting(run.id);
    checkDecision(action.type, given);
    left.delete(given.call_id);
    if (action.type === 'approval') {
      approvals.set(item, toRecorded(given, by));
      continue;
    }
    const step = steps.find(({ callId, status }) => callId === given.call_id && status === 'unknown');
    if (!step) throw notWaiting(run.id);
    checkResult(step, given);
    outcomes.push(withOutcome(step, given, by));
  }
  const decided = withCovered(action.items, approvals);
  for (const { call_id } of decided.keys()) left.delete(call_id);
  const changed = [...outcomes, ...approvalSteps(run, steps, decided, nowMs)];
  const leftAction = left.size === 0 ? null : ({ ...action, items: [...left.values()] } as Json);
  return { expected: run.requiredAction, left: leftAction, entries: { steps: changed, events: [] } };
}
