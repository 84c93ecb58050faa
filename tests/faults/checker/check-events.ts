import type { StoredEvent } from '../../../src/storage/port/index.ts';
import { finalTypes, type RunRecord } from './stored.ts';

const at = ({ seq, type }: StoredEvent) => `event ${seq} (${type})`;

/** `run.created` is number 1 and not stored, so stored events count from 2. */
function checkNumbers(events: StoredEvent[]): string[] {
  return events.flatMap((event, index) => {
    const before = events[index - 1]?.seq ?? 1;
    if (event.seq === before + 1) return [];
    return [`has ${at(event)} after number ${before}: ${event.seq <= before ? 'a repetition' : 'a gap'}`];
  });
}

/** Each attempt writes after those before it, and nothing once a newer one has written. */
function checkAttempts({ run, events }: RunRecord): string[] {
  return events.flatMap((event, index) => {
    const before = events[index - 1];
    const wrong: string[] = [];
    if (before && event.attempt < before.attempt) {
      wrong.push(
        `has ${at(event)} of attempt ${event.attempt}, written after attempt ${before.attempt} had taken over`,
      );
    }
    if (event.attempt > run.attempt) wrong.push(`has ${at(event)} of attempt ${event.attempt}, and had ${run.attempt}`);
    const begins = event.attempt !== before?.attempt;
    const beginning = before === undefined ? 'run.started' : 'run.resumed';
    if (begins && event.type !== beginning && !finalTypes.has(event.type)) {
      wrong.push(`has ${at(event)} as the first of attempt ${event.attempt}, where ${beginning} belongs`);
    }
    if (!begins && ['run.started', 'run.resumed'].includes(event.type)) {
      wrong.push(`has ${at(event)} in the middle of attempt ${event.attempt}`);
    }
    return wrong;
  });
}

/** One last event, which says how the run ended and is of the attempt that ended it. */
function checkEnd({ run, events }: RunRecord): string[] {
  const last = events.at(-1);
  const wrong = events
    .slice(0, -1)
    .filter(({ type }) => finalTypes.has(type))
    .map((event) => `goes on after ${at(event)}`);
  if (run.finishedAtMs === null) return finalTypes.has(last?.type ?? '') ? [...wrong, `is told to be over`] : wrong;
  if (last?.type !== `run.${run.status}`) wrong.push(`is ${run.status}, and its last event is ${last?.type}`);
  else if (last.attempt !== run.attempt) {
    wrong.push(`was ended by attempt ${last.attempt} when attempt ${run.attempt} had taken over`);
  }
  return wrong;
}

/** A pause is followed by what was decided, and there are no more events of recoveries than deaths of processes. */
function checkResumptions({ run, events }: RunRecord): string[] {
  const wrong = events.flatMap((event, index) => {
    const next = events[index + 1];
    if (event.type !== 'run.requires_action' || next === undefined || finalTypes.has(next.type)) return [];
    if (next.type === 'run.resumed' && next.data.after === 'decision') return [];
    return [`goes on after ${at(event)} with ${at(next)}`];
  });
  const recoveries = events.filter(({ type, data }) => type === 'run.resumed' && data.after === 'recovery').length;
  if (recoveries > run.crashes) wrong.push(`tells of ${recoveries} recoveries after ${run.crashes} crashes`);
  return wrong;
}

/** The events of a run: numbered without gap or repetition, each attempt after the one before, with one end that fits. */
export const checkEvents = (record: RunRecord): string[] => [
  ...checkNumbers(record.events),
  ...checkAttempts(record),
  ...checkEnd(record),
  ...checkResumptions(record),
];
