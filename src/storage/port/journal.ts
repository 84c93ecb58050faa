import type { Json, JsonRecord, Usage } from './types.ts';

/** What kind of thing a step of a run is. */
export const stepKinds = ['model_call', 'tool_call', 'handoff', 'approval', 'guardrail'] as const;
/** What kind of thing a step of a run is. */
export type StepKind = (typeof stepKinds)[number];

/**
 * How far a step is: `started` is an intent whose outcome is not recorded, `unknown` one whose process died and whose
 * effect may or may not have happened, so that a person has to say.
 */
export const stepStatuses = ['started', 'completed', 'failed', 'unknown'] as const;
/** How far a step is. */
export type StepStatus = (typeof stepStatuses)[number];

/** One model call or tool call of a run, as it is recorded. */
export type Step = {
  /** Counted from 1 within the run, in the order in which steps began; kept over attempts. */
  step: number;
  /** What identifies the step when the run is executed again; unique within the run. */
  key: string;
  kind: StepKind;
  /** Where in the run: empty, or the path of nested runs and tool calls. */
  scope: string;
  /** The model's or the tool's name. */
  name: string;
  agent: string | null;
  callId: string | null;
  status: StepStatus;
  /** The attempt that wrote the step last. */
  attempt: number;
  /** How often the journal answered for it instead of executing it. */
  replayed: number;
  effect: string | null;
  idempotencyKey: string | null;
  /** A model call's input holds what is new in it. */
  input: Json;
  output: Json;
  isError: boolean;
  error: Json;
  provider: string | null;
  model: string | null;
  usage: Usage | null;
  costUsd: number | null;
  requestDigest: string | null;
  /** Whether the request differed from the one recorded when the step was answered from the journal. */
  drift: boolean;
  startedAtMs: number;
  firstTokenMs: number | null;
  durationMs: number | null;
};

/**
 * One numbered event of a run. `run.created` is number 1 of every run and is not stored: it follows from the run
 * itself. Stored events count from 2.
 */
export type StoredEvent = {
  seq: number;
  type: string;
  attempt: number;
  atMs: number;
  /** What the event says beside the above; for a run's last event nothing, since it follows from the run. */
  data: JsonRecord;
};

/** What is new in the journal of a run: steps by number (new ones, and ones that changed), and further events. */
export type JournalEntries = { steps: Step[]; events: StoredEvent[] };

/** The record of what runs did. */
export interface JournalStore {
  /**
   * Records entries, all or none, and only while the run is `running` at this `attempt`, the fencing token (see
   * `RunAttempt`): false if another attempt has taken over or the run has ended. Resolves when they are durable. Entries of many runs that arrive together share
   * one statement or transaction; entries of one run are recorded in the order of the calls. Processes that follow the
   * run are told (see `Signals`). Of a step that is given twice the later one counts. Rejects with an error that is not
   * a `ServiceError` if an event's number is taken, or a step's key by another step; an engine whose connection may be
   * lost at the commit lets the very same entries come again, since nobody can tell whether they were recorded.
   *
   * @param early whether `entries` is no more than the first text of the step after the last recorded one, which may be
   *   shown before it is durable: it resolves once that outlasts this process. A store that does so sees to it that after
   *   a power cut nobody takes for the answer what they were shown and it has lost. Defaults to false
   */
  append(tenantId: string, runId: string, attempt: number, entries: JournalEntries, early?: boolean): Promise<boolean>;

  /** All steps of a run, by number. */
  steps(tenantId: string, runId: string): Promise<Step[]>;

  /** The stored events after `afterSeq`, in order, at most `limit`. */
  events(tenantId: string, runId: string, afterSeq: number, limit: number): Promise<StoredEvent[]>;
}
