import type { JournalEntries } from './journal.ts';
import type {
  FinalStatus,
  InputData,
  Json,
  JsonRecord,
  NewRun,
  Page,
  Run,
  RunError,
  RunStatus,
  Usage,
} from './types.ts';

/** What to do when a run holds the session of a new run or is queued for it. */
export type IfBusy = 'wait' | 'reject' | 'interrupt';

/**
 * The outcome of a request for a run, decided in one transaction:
 * - `started`: the run is `running`, attempt 1, owned by the calling process, and holds its session, if it has one
 * - `queued`: it waits to be claimed: for its session, for its time (`runAtMs`), for a slot, or in the background
 * - `busy`: the session is held and the caller does not wait, or the run that holds it waits for a person, for which no
 *   run is queued; nothing was written. `activeRunId` is the run that holds the session or, if none does, the next one
 *   in its queue
 * - `existing`: the idempotency key was used before with the same fingerprint; nothing was written
 * - `key_reused`: the idempotency key was used before with another fingerprint; nothing was written
 */
export type CreateOutcome =
  | { type: 'started' | 'queued' | 'existing'; run: Run }
  | { type: 'busy'; activeRunId: string }
  | { type: 'key_reused' };

/** How a run ended, and everything that is written with it in one transaction. */
export type FinalRun = {
  status: FinalStatus;
  lastAgent: string | null;
  model: string | null;
  response: string | null;
  output: Json;
  annotations: Json;
  files: Json;
  usage: Usage;
  costUsd: number | null;
  error: RunError | null;
  drift: boolean;
  firstTokenMs: number | null;
  /** Appended to the session in this order. */
  newItems: JsonRecord[];
  /** The context that the next run of the session begins with. Defaults to the one that the session has. */
  sessionContext?: JsonRecord;
  /** The journal entries that are not recorded yet, the run's last event among them. */
  entries: JournalEntries;
};

/** The state of a run when it stops for a person, and the journal entries that are not recorded yet. */
export type PausedRun = Pick<
  FinalRun,
  'lastAgent' | 'model' | 'usage' | 'costUsd' | 'drift' | 'firstTokenMs' | 'entries'
> & {
  requiredAction: Json;
  /** How long it waits for a person, in ms; then `expireAction` ends it. */
  expiresInMs: number;
};

/** A decision on a paused run: what the run waited for, what it waits for now (null: nothing), and new journal entries. */
export type Decided = { expected: Json; left: Json | null; entries: JournalEntries };

/** Which runs a process claims. */
export type ClaimOptions = {
  /** Runs at most. */
  limit: number;
  /** Background runs at most, among them. */
  backgroundMax: number;
  /** Whether one run that crashed before may be among them. It is never more than one. */
  crashed: boolean;
  /** The agents of the process. Runs of other agents are left to live processes that have these agents, if any. */
  agents: readonly string[];
  /**
   * The application's version, if runs that have begun stay with their version: runs of another version are left to live
   * processes of that version, if any. Null: any version continues any run.
   */
  version: string | null;
};

/** A run that this process executes from now on, and its remaining time, in ms by the database's clock. */
export type ClaimedRun = { run: Run; remainingMs: number };

/** A running run, for the process that executes it. */
export type OwnedRun = { tenantId: string; id: string; attempt: number; cancelRequested: boolean };

/** The outcome for runs whose process died; `cancelled` are those whose cancellation was requested before. */
export type Recovered = { requeued: Run[]; poisoned: Run[]; cancelled: Run[] };

/**
 * Which runs a list shows; every condition given must hold. Times are those of creation, in ms since the epoch,
 * `sinceMs` inclusive and `untilMs` exclusive.
 */
export type RunFilter = {
  status?: RunStatus;
  sessionId?: string;
  agent?: string;
  sinceMs?: number;
  untilMs?: number;
};

/**
 * Runs, and the lock that a run has on its session. A run of a session is `running` or `requires_action` only while the
 * session's `activeRunId` names it: at most one run holds a session at a time. An orphaned or handed-back run keeps its
 * session while it is queued again.
 *
 * The writes of the process that executes a run carry a fencing token; `RunAttempt` has the rule.
 *
 * A run's time (`timeoutMs`) counts from its creation, or from its first claim if it is in the background. Time in which
 * it is orphaned, handed back or waits for a person does not count, unless it was handed back with `wakeInMs`.
 */
export interface RunStore {
  /**
   * Creates a run, and its session if that is new. `ifBusy` says what to do when a run holds the session or is queued
   * for it; `interrupt` cancels the run that holds it (as `requestCancel` does) and puts the new one at the front of the
   * queue. A run starts at once if `startNow`, its session is free and it is due; otherwise it is queued. Rejects with
   * an error that is not a `ServiceError` if the id is taken.
   *
   * A queued run that is not due blocks no other run: it joins the queue of its session when it is due.
   *
   * `begun` is called with a run that starts as soon as that is decided, and before this resolves. The run may still be
   * lost then, for instance to a power cut: until this has resolved, nothing may be done for it that others see.
   */
  create(run: NewRun, ifBusy: IfBusy, startNow: boolean, begun?: (run: Run) => void): Promise<CreateOutcome>;

  /**
   * Claims queued runs for a process: `queued → running`, attempt + 1, their sessions held. Eligible are runs that are
   * due and whose session is free and which are first in its queue (or hold it already); by priority, highest first,
   * then in order of arrival. Several processes claim at once without waiting for each other and never the same run.
   * One statement on Postgres.
   */
  claim(ownerId: string, options: ClaimOptions): Promise<ClaimedRun[]>;

  /**
   * Hands a run back that this process will not finish: `running → queued` at this `attempt`, with the journal entries
   * that are not recorded yet. It counts as no crash. With `wakeInMs` it is not claimed before that time is over, and
   * its own time goes on: for background runs that wait for something. False if nothing was written.
   */
  handBack(
    tenantId: string,
    runId: string,
    attempt: number,
    entries: JournalEntries,
    wakeInMs?: number,
  ): Promise<boolean>;

  /**
   * Recovers orphans, the runs of dead processes (no lease, see `ProcessStore`), of all tenants, in order of arrival, at
   * most `limit`: they are queued again, `crashes` + 1. A run that crashed for the third time without a step recorded in
   * between is `failed` with `poison` instead, its session released, its last event written.
   */
  recoverOrphans(poison: RunError, limit: number): Promise<Recovered>;

  /**
   * Requests the cancellation of a run. A run that no process executes (`queued`, `requires_action`) is `cancelled` at
   * once with `error`, its session released, its last event written. For a running run the request is stored and its
   * process notified. If that process stops executing the run without ending it (it dies, hands the run back, or the run
   * waits for a person), the run is cancelled then, with the catalogue's `cancelled`. Returns the run as it is now, or
   * null if this tenant has none of that id.
   */
  requestCancel(tenantId: string, runId: string, error: RunError): Promise<Run | null>;

  /** The running runs of this process, as far as the store knows, and whether their cancellation was requested. */
  owned(ownerId: string): Promise<OwnedRun[]>;

  /**
   * Stops a run until a person has decided: `running → requires_action`, at this `attempt` only. It keeps its session
   * and has no owner any more. Returns the run as it is now, or null if nothing was written; `cancelled` if its
   * cancellation was requested before.
   */
  pause(tenantId: string, runId: string, attempt: number, pause: PausedRun): Promise<Run | null>;

  /**
   * Stores what a person decided on a run that is `requires_action` and still waits for exactly `expected`. If something
   * is left to decide, the run waits for that; if nothing is left (`null`), it is queued. Returns the run as it is now,
   * or null if nothing was written.
   */
  decide(tenantId: string, runId: string, decided: Decided): Promise<Run | null>;

  /**
   * Ends a run, of any tenant, without a decision in time: `failed` with `error`, its session released, its last event
   * written. Returns it, or null if there is none. Several processes may call this at once.
   */
  expireAction(error: RunError): Promise<Run | null>;

  /**
   * Ends a run: final state, the rest of its journal, its new items in the session, the session's counters and its
   * release, in one transaction, and only if the run has not ended yet (it may be `queued`, never started, or
   * `requires_action`) and is at the attempt of `run`. Returns the run as it is now, or null if another attempt has
   * taken over or the run had ended: then nothing was written. NUL and lone surrogates in `lastAgent` and `model` become
   * U+FFFD.
   *
   * @param run the run as this attempt has it; values that an end does not change are taken from here, not read again
   */
  finish(run: Run, final: FinalRun): Promise<Run | null>;

  /** Whether a tenant has used an idempotency key; an expired one may count a while longer. */
  isKeyUsed(tenantId: string, key: string): Promise<boolean>;

  /** The run, or null if this tenant has none of that id. */
  get(tenantId: string, runId: string): Promise<Run | null>;

  /** The large data of a run's input, in order; empty if it has none, or this tenant has no run of that id. */
  inputData(tenantId: string, runId: string): Promise<InputData[]>;

  /** Newest first, by creation and then by id; `before` is the id of the last run of the page before. */
  list(tenantId: string, filter: RunFilter, limit: number, before: string | null): Promise<Page<Run, string>>;

  /** How many runs there are in each status that is not final, over all tenants. */
  countUnfinished(): Promise<Record<'queued' | 'running' | 'requires_action', number>>;

  /**
   * How many background runs are queued and due, of all tenants, if no live process claims such runs; else 0. On the
   * embedded store, whose one process claims everything, always 0.
   */
  countUnclaimed(): Promise<number>;
}
