import { type NewRun, noUsage, type Run, type StoredEvent } from '../../storage/port/index.ts';
import { isFinal } from '../run-state.ts';
import { toRunView, toTime } from '../views/run-view.ts';
import type { RunEvent } from './events.ts';
import type { LiveEvent } from './live-event-log.ts';

/** The fields of a run that do not change after its creation, or that the wire does not show. All others are reset. */
type FieldOfCreation = keyof NewRun | 'createdAtMs' | 'sessionSeqAtStart';

/** The run as it was when it was created: fields that may have changed since are reset. */
function asCreated(run: Run): Run {
  const startedAtOnce = run.mode !== 'background' && run.startedAtMs === run.createdAtMs;
  const reset: Omit<Run, FieldOfCreation> = {
    status: startedAtOnce ? 'running' : 'queued',
    attempt: startedAtOnce ? 1 : 0,
    startedAtMs: startedAtOnce ? run.startedAtMs : null,
    crashes: 0,
    lastAgent: null,
    model: null,
    response: null,
    output: null,
    annotations: null,
    files: null,
    error: null,
    requiredAction: null,
    drift: false,
    costUsd: null,
    firstTokenMs: null,
    finishedAtMs: null,
    usage: noUsage,
  };
  return { ...run, ...reset };
}

const envelope = (run: Run, seq: number, atMs: number, attempt: number) => ({
  seq,
  run_id: run.id,
  at: toTime(atMs),
  attempt,
  ...(run.simulated ? { simulated: true as const } : {}),
});

/** The first event of every run. It is not stored: it can be derived from the run. */
export const createdEvent = (run: Run): RunEvent => ({
  type: 'run.created',
  ...envelope(run, 1, run.createdAtMs, asCreated(run).attempt),
  run: toRunView(asCreated(run)),
});

/** The event that is recorded with the creation of a run that starts at once. */
export const startedEvent = (run: Run): StoredEvent => ({
  seq: 2,
  type: 'run.started',
  attempt: 1,
  atMs: run.startedAtMs ?? run.createdAtMs,
  data: { agent: run.agent },
});

/** A stored event as the wire shows it. The last event of a run shows the run as it ended. */
export function toRunEvent(run: Run, { seq, type, attempt, atMs, data }: StoredEvent): RunEvent {
  const shown = isFinal(run.status) && type === `run.${run.status}` ? { run: toRunView(run) } : data;
  return { ...shown, type, ...envelope(run, seq, atMs, attempt) } as RunEvent;
}

/** The first event of a run, for its live log. */
export const liveCreatedEvent = (run: Run): LiveEvent => ({
  seq: 1,
  type: 'run.created',
  show: () => createdEvent(run),
});

/** A stored event, for the live log of its run. */
export const toLiveEvent = (run: Run, event: StoredEvent): LiveEvent => ({
  seq: event.seq,
  type: event.type as RunEvent['type'],
  show: () => toRunEvent(run, event),
});
