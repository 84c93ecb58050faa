import type { Json, JsonRecord, Usage } from './types.ts';

/** The kinds of steps of a run. */
export const stepKinds = ['model_call', 'tool_call', 'handoff', 'approval', 'guardrail', 'step'] as const;
/** One of `stepKinds`. */
export type StepKind = (typeof stepKinds)[number];

/**
 * The state of a step: `started` is an intent whose outcome is not recorded; `unknown` is an intent whose process died
 * and whose effect may or may not have happened, so that a person has to decide.
 */
export const stepStatuses = ['started', 'completed', 'failed', 'unknown'] as const;
/** One of `stepStatuses`. */
export type StepStatus = (typeof stepStatuses)[number];

/**
 * One change of a run context: the value at `path` (keys and indexes, from the root) is `value` now, or was removed. `scope`
 * is that of the nested run whose context it is; absent for the run itself.
 */
export type ContextChange = { scope?: string; path: (string | number)[]; value?: Json };

/**
 * What the application's code did beside a step, since the step that was recorded before it: it is recorded with the step,
 * so that both are lost or kept together. `ordinal` counts such records in the run, from 1.
 */
export type StepChanges = {
  ordinal: number;
  /** Changes of the run context, in order. */
  context?: ContextChange[];
  /** The lifecycle hooks that were called; see `HookRecord`. */
  hooks?: string[];
};

/** One step of a run, as it is recorded: a model call, a tool call or an approval. */
export type Step = {
  /** Counted from 1 within the run, in the order in which steps began; kept over attempts. */
  step: number;
  /** Identifies the step when the run is executed again; unique within the run. */
  key: string;
  kind: StepKind;
  /** The path of nested runs and tool calls; empty for the run itself. */
  scope: string;
  /** The model's or the tool's name. */
  name: string;
  agent: string | null;
  callId: string | null;
  status: StepStatus;
  /** The attempt that wrote the step last. */
  attempt: number;
  /** How often it was replayed from the journal instead of executed. */
  replayed: number;
  effect: string | null;
  idempotencyKey: string | null;
  /** A model call's input holds only its new items. */
  input: Json;
  output: Json;
  isError: boolean;
  error: Json;
  provider: string | null;
  model: string | null;
  usage: Usage | null;
  costUsd: number | null;
  requestDigest: string | null;
  /** What the application's code did beside the step; null for nothing. */
  changes: StepChanges | null;
  /** Whether the request differed from the recorded one when the step was replayed. */
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
  /** The event's own data; empty for a run's last event, which follows from the run. */
  data: JsonRecord;
};

/** New entries of a run's journal: steps by number (new ones, and ones that changed), and further events. */
export type JournalEntries = { steps: Step[]; events: StoredEvent[] };

/** The journal of runs: a durable record of their steps and events, from which a run is replayed. */
export interface JournalStore {
  /**
   * Records entries, all or none, and only while the run is `running` at this `attempt`, the fencing token (see
   * `RunAttempt`): false if another attempt has taken over or the run has ended. Resolves when they are durable.
   * Entries of many runs that arrive together share one statement or transaction; entries of one run are recorded in
   * the order of the calls. Processes that follow the run are notified (see `Signals`). Of a step that is given twice
   * the later one counts. Rejects with an error that is not a `ServiceError` if an event's number is taken, or a step's
   * key by another step. An engine whose connection may be lost at the commit accepts the very same entries again,
   * since it is unknown whether they were recorded.
   *
   * @param early whether `entries` is only the first text of the step after the last recorded one, which may be shown
   *   before it is durable: this resolves once the entries survive the end of this process. A store that does so
   *   withdraws after a power cut the text that was shown and lost. Defaults to false
   */
  append(tenantId: string, runId: string, attempt: number, entries: JournalEntries, early?: boolean): Promise<boolean>;

  /** All steps of a run, by number. */
  steps(tenantId: string, runId: string): Promise<Step[]>;

  /** What the application's code did beside the steps of a run (`Step.changes`), in order. */
  changes(tenantId: string, runId: string): Promise<StepChanges[]>;

  /** The stored events after `afterSeq`, in order, at most `limit`. */
  events(tenantId: string, runId: string, afterSeq: number, limit: number): Promise<StoredEvent[]>;
}
