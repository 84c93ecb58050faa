import { isDeepStrictEqual } from 'node:util';
import type { Step, StoredEvent } from '../../../src/storage/port/index.ts';
import { callsOf, decisionOf, type RunRecord, textOf } from './stored.ts';

const at = ({ step, name }: Step) => `step ${step} (${name})`;
const ended = ({ status }: Step) => status === 'completed' || status === 'failed';

/** The text that was shown of each step and not withdrawn, piece by piece. */
function shownText(events: StoredEvent[]): Map<number, StoredEvent[]> {
  const shown = new Map<number, StoredEvent[]>();
  for (const event of events) {
    const step = event.data.step as number;
    if (event.type === 'text.delta') shown.set(step, [...(shown.get(step) ?? []), event]);
    if (event.type === 'text.reset') shown.set(step, []);
  }
  return shown;
}

/** A number that no step has is that of a model call that broke off, whose text was withdrawn. */
function checkNumbers({ steps, events }: RunRecord): string[] {
  const taken = new Set(steps.map(({ step }) => step));
  const shown = shownText(events);
  const brokenOff = (step: number) => shown.get(step)?.length === 0;
  const last = Math.max(0, ...taken);
  const missing = Array.from({ length: last }, (_, index) => index + 1).filter((step) => !taken.has(step));
  const wrong = missing.filter((step) => !brokenOff(step)).map((step) => `has no step ${step}, but one after it`);
  if (taken.size < steps.length) wrong.push('has two steps of one number');
  for (const [step, deltas] of shown) {
    if (!taken.has(step) && deltas.length > 0) wrong.push(`shows text of step ${step}, which is not recorded`);
  }
  return wrong;
}

function checkKeys({ run, steps }: RunRecord): string[] {
  const wrong: string[] = [];
  if (new Set(steps.map(({ key }) => key)).size < steps.length) wrong.push('has two steps with one key');
  if (run.status !== 'completed') return wrong;
  for (const [scope, calls] of Map.groupBy(
    steps.filter(({ kind }) => kind === 'model_call'),
    (step) => step.scope,
  )) {
    const positions = calls.map(({ key }) => key);
    const expected = positions.map((_, index) => `m:${scope}:${index}`);
    if (!isDeepStrictEqual(positions, expected)) wrong.push(`has the model calls ${positions.join(', ')}`);
  }
  const asked = steps.filter(({ kind }) => kind === 'model_call').flatMap(callsOf);
  const called = steps.filter(({ kind }) => kind === 'tool_call').map(({ callId }) => callId ?? '');
  for (const call of asked.filter((id) => !called.includes(id)))
    wrong.push(`has no step for the call ${call} of its model`);
  for (const call of called.filter((id) => !asked.includes(id)))
    wrong.push(`has a step for ${call}, which no model called`);
  return wrong;
}

/** Whether the step is known to its end, and was answered from the journal by every attempt after its own. */
function checkOutcome({ run }: RunRecord, step: Step): string[] {
  const wrong: string[] = [];
  const later = run.attempt - step.attempt;
  if (run.status === 'completed' && !ended(step)) wrong.push(`has completed, and ${at(step)} is ${step.status}`);
  if (ended(step) && step.output === null && step.error === null) wrong.push(`does not know what ${at(step)} gave`);
  if (later < 0) wrong.push(`has ${at(step)} of attempt ${step.attempt}, and had ${run.attempt}`);
  if (step.replayed > later) wrong.push(`answered ${at(step)} ${step.replayed} times in ${later} later attempts`);
  // A write of an older attempt over the row of a newer one leaves such a step behind.
  if (run.status === 'completed' && later > 0 && step.replayed === 0) {
    wrong.push(`ended in attempt ${run.attempt}, which did not meet ${at(step)} of attempt ${step.attempt}`);
  }
  return wrong;
}

const textual = (output: unknown) => (typeof output === 'string' ? output : JSON.stringify(output));

/** One event for the start of a call and one for its end, which say what the step says. */
function checkToolEvents({ events }: RunRecord, step: Step): string[] {
  const told = (type: string) => events.filter((event) => event.type === type && event.data.call_id === step.callId);
  const [started, completed] = [told('tool.started'), told('tool.completed')];
  if (started.length !== 1) return [`has ${started.length} events for the start of ${at(step)}`];
  if (completed.length !== (ended(step) ? 1 : 0)) return [`has ${completed.length} events for the end of ${at(step)}`];
  const wrong: string[] = [];
  for (const { seq, data } of [...started, ...completed]) {
    const same = data.step === step.step && data.tool === step.name && isDeepStrictEqual(data.arguments, step.input);
    if (!same) wrong.push(`tells in event ${seq} another call than that of ${at(step)}`);
  }
  for (const event of completed) {
    const { seq, data, attempt } = event;
    const output = step.status === 'completed' ? textual(step.output) : (step.error as { message?: string })?.message;
    if (data.is_error !== step.isError || data.output !== output)
      wrong.push(`tells in event ${seq} another end of ${at(step)}`);
    // Both are recorded in one write, unless a person said how the call ended.
    const fits = decisionOf(step) === null ? attempt === step.attempt : attempt > step.attempt;
    if (!fits) wrong.push(`tells the end of ${at(step)} in attempt ${attempt}, which attempt ${step.attempt} recorded`);
  }
  return wrong;
}

/** The pieces of text that count make the text of the model's answer, all told by the attempt that recorded it. */
function checkText({ events }: RunRecord, step: Step): string[] {
  const pieces = step.scope === '' ? (shownText(events).get(step.step) ?? []) : [];
  const text = pieces.map(({ data }) => data.delta).join('');
  const wrong = pieces
    .filter(({ attempt }) => attempt !== step.attempt)
    .map(({ seq, attempt }) => `shows in event ${seq} of attempt ${attempt} what ${at(step)} said to ${step.attempt}`);
  if (step.scope === '' && text !== textOf(step)) wrong.push(`shows ${JSON.stringify(text)} of what ${at(step)} said`);
  return wrong;
}

/** Events of a call that no step is about. */
function checkStrays({ steps, events }: RunRecord): string[] {
  const known = new Set(steps.map(({ callId }) => callId));
  return events
    .filter(({ type, data }) => type.startsWith('tool.') && !known.has(data.call_id as string))
    .map(({ seq, type, data }) => `has event ${seq} (${type}) of ${data.call_id}, for which there is no step`);
}

/** The steps of a run: numbered without gap, each known to its end, and told as it happened. */
export const checkSteps = (record: RunRecord): string[] => [
  ...checkNumbers(record),
  ...checkKeys(record),
  ...checkStrays(record),
  ...record.steps.flatMap((step) => [
    ...checkOutcome(record, step),
    ...(step.kind === 'tool_call' ? checkToolEvents(record, step) : []),
    ...(step.kind === 'model_call' ? checkText(record, step) : []),
  ]),
];
