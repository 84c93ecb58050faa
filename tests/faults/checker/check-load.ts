import { isDeepStrictEqual } from 'node:util';
import { type Step, type StoredEvent, toInputText } from '../../../src/storage/port/index.ts';
import type { Effect } from '../../support/effects-file.ts';
import type { LoadRun, SeenEvent } from '../../support/load/report.ts';
import { finalTypes, type RunRecord, recordsOf, type Stored } from './stored.ts';

/** What was seen from outside while the store was filled: by clients, by the tools' backend and by the provider. */
export type Evidence = {
  runs: LoadRun[];
  effects: Effect[];
  /** How many requests the provider got for each message of a user. */
  modelRequests: Map<string, number>;
};

const idOf = ({ planned, runId }: LoadRun) => `run ${planned.number} (${runId})`;

/** How often a run was cut: attempts beyond the first that no decision of a person caused. */
function cutsOf({ run, events }: RunRecord): number {
  const pauses = events.filter(({ type }) => type === 'run.requires_action').length;
  return Math.max(0, run.attempt - 1 - pauses);
}

/** What was asked for is there once, and has completed with its own answer. */
function checkAsked(stored: Stored, { runs }: Evidence): string[] {
  const byId = new Map(stored.runs.map((run) => [run.id, run]));
  const asked = new Set(runs.map(({ runId }) => runId));
  const keys = new Map(stored.keys.map(({ key, runId }) => [key, runId]));
  const wrong = stored.runs
    .filter(({ id }) => !asked.has(id))
    .map(({ id }) => `run ${id} was made, and no client knows it`);
  for (const load of runs) {
    const run = byId.get(load.runId ?? '');
    if (!run) {
      wrong.push(`${idOf(load)} is lost: it is not in the store`);
      continue;
    }
    if (run.status !== 'completed') wrong.push(`${idOf(load)} is ${run.status}: ${JSON.stringify(run.error)}`);
    if (run.status === 'completed' && run.response !== load.planned.answer) {
      wrong.push(
        `${idOf(load)} was answered ${JSON.stringify(run.response)} instead of ${JSON.stringify(load.planned.answer)}`,
      );
    }
    if (toInputText(run.input) !== load.planned.body.message)
      wrong.push(`${idOf(load)} has another message than was sent`);
    if (keys.get(load.planned.idempotencyKey) !== load.runId)
      wrong.push(`${idOf(load)} has not the key it was sent with`);
  }
  return wrong;
}

/** An event as viewers get it; the first and the last show the run, which is not stored with them. */
function isStored(runId: string, seen: SeenEvent, stored: StoredEvent): boolean {
  const { type, seq, run_id, at, attempt, ...data } = seen;
  const same = type === stored.type && seq === stored.seq && run_id === runId && attempt === stored.attempt;
  const time = at === new Date(stored.atMs).toISOString();
  const derived = finalTypes.has(type);
  return (
    same &&
    time &&
    (derived ? (data.run as { run_id?: string } | undefined)?.run_id === runId : isDeepStrictEqual(data, stored.data))
  );
}

/** Each client that followed a run saw every event of it once, in order, as it is stored. */
function checkViews({ run, events }: RunRecord, load: LoadRun): string[] {
  return load.views.flatMap((view, index) => {
    const who = `client ${index + 1}`;
    const [created, ...others] = view;
    const wrong: string[] = [];
    if (created?.type !== 'run.created' || created.seq !== 1) wrong.push(`${who} saw ${created?.type} first`);
    if (others.length !== events.length) wrong.push(`${who} saw ${others.length} events of ${events.length}`);
    const other = others.find((seen, at) => !events[at] || !isStored(run.id, seen, events[at]));
    if (other) wrong.push(`${who} saw another event ${other.seq} (${other.type}) than is stored`);
    return wrong;
  });
}

/** What a call did, counted where it did it. */
function checkEffects(record: RunRecord, step: Step, byKey: Map<string, Effect[]>): string[] {
  const count = byKey.get(step.idempotencyKey ?? '')?.length ?? 0;
  const call = `step ${step.step} (${step.name})`;
  if (step.effect === 'once' && count > 1) return [`did ${call} ${count} times`];
  if (count > 1 + cutsOf(record)) return [`did ${call} ${count} times, and was cut ${cutsOf(record)} times`];
  if (step.status === 'completed' && !step.isError && count === 0) return [`recorded ${call}, which never happened`];
  return [];
}

/** The provider was asked again only for what was cut. */
function checkRequests(record: RunRecord, { modelRequests }: Evidence): string[] {
  const asked = modelRequests.get(toInputText(record.run.input)) ?? 0;
  const steps = record.steps.filter(({ kind }) => kind === 'model_call').length;
  if (asked > steps + cutsOf(record)) {
    return [`asked the model ${asked} times for ${steps} steps, and was cut ${cutsOf(record)} times`];
  }
  return asked < steps ? [`recorded ${steps} answers of a model that was asked ${asked} times`] : [];
}

/** Compares a store with what was seen from outside. */
export function checkLoad(stored: Stored, evidence: Evidence): string[] {
  const loads = new Map(evidence.runs.map((load) => [load.runId, load]));
  const byKey = Map.groupBy(evidence.effects, ({ key }) => key);
  const known = new Set(stored.steps.map(({ idempotencyKey }) => idempotencyKey));
  const wrong = checkAsked(stored, evidence);
  for (const record of recordsOf(stored)) {
    const load = loads.get(record.run.id);
    const ofRun = [
      ...(load ? checkViews(record, load) : []),
      ...checkRequests(record, evidence),
      ...record.steps.filter(({ kind }) => kind === 'tool_call').flatMap((step) => checkEffects(record, step, byKey)),
    ];
    wrong.push(...ofRun.map((what) => `run ${record.run.id} ${what}`));
  }
  for (const key of byKey.keys())
    if (!known.has(key)) wrong.push(`an effect happened under ${key}, which no step records`);
  // Each call has an argument of its own, so that the same call under two keys is noticed.
  for (const [text, effects] of Map.groupBy(evidence.effects, (effect) => effect.text)) {
    const keys = new Set(effects.map(({ key }) => key));
    if (keys.size > 1) wrong.push(`the effect ${text} happened under ${keys.size} keys: ${[...keys].join(', ')}`);
  }
  return wrong;
}
