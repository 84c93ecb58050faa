import type {
  Json,
  JsonRecord,
  Run,
  Session,
  SessionItem,
  Step,
  StoredEvent,
} from '../../../src/storage/port/index.ts';

/** A run with the columns that the port does not show. */
export type StoredRun = Run & {
  /** The order of arrival. */
  arrival: number;
  /** Crashes with no step completed between them; three poison the run. */
  crashesWithoutStep: number;
};

/** Everything that a store holds about runs and sessions, of all tenants, in the order in which it came about. */
export type Stored = {
  runs: StoredRun[];
  steps: (Step & { runId: string })[];
  events: (StoredEvent & { runId: string })[];
  sessions: Session[];
  items: (SessionItem & { tenantId: string; sessionId: string })[];
  keys: { tenantId: string; key: string; runId: string }[];
};

/** A run with its journal. */
export type RunRecord = { run: StoredRun; steps: Step[]; events: StoredEvent[] };

/** Every run with its journal. */
export function recordsOf({ runs, steps, events }: Stored): RunRecord[] {
  const stepsOf = Map.groupBy(steps, ({ runId }) => runId);
  const eventsOf = Map.groupBy(events, ({ runId }) => runId);
  return runs.map((run) => ({ run, steps: stepsOf.get(run.id) ?? [], events: eventsOf.get(run.id) ?? [] }));
}

/** The types of events after which nothing comes. */
export const finalTypes: ReadonlySet<string> = new Set([
  'run.completed',
  'run.failed',
  'run.cancelled',
  'run.timed_out',
]);

type OutputItem = { type?: string; callId?: string; name?: string; content?: { type?: string; text?: string }[] };

/** What a model answered, as its step has it. */
const outputOf = ({ output }: Step): OutputItem[] =>
  ((output as JsonRecord | null)?.output as Json as OutputItem[]) ?? [];

/** The text of a model's answer. */
export const textOf = (step: Step): string =>
  outputOf(step)
    .flatMap(({ type, content }) => (type === 'message' ? (content ?? []) : []))
    .map(({ type, text = '' }) => (type === 'output_text' ? text : ''))
    .join('');

/** The calls of tools that a model's answer asks for. */
export const callsOf = (step: Step): string[] =>
  outputOf(step).flatMap(({ type, callId, name = '' }) =>
    type === 'function_call' && callId && !name.startsWith('transfer_to_') ? [callId] : [],
  );

/** What a person decided about a call of unknown outcome, as its step has it. */
export const decisionOf = ({ error }: Step): string | null =>
  ((error as JsonRecord | null)?.decision as string) ?? null;
