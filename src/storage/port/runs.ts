import type { FinalStatus, Json, JsonRecord, NewRun, Page, Run, RunError, RunStatus, Usage } from './types.ts';

/**
 * What became of a request for a run, decided in one transaction:
 * - `started`: the run is `running`, attempt 1, and holds its session, if it has one
 * - `queued`: the session is held by another run or others wait for it; this one has its place in the order of arrival
 * - `busy`: the session is held and the caller would not wait, or it is held by a run that waits for a person, for
 *   whom nobody waits; nothing was written. `activeRunId` is the run that holds the session or, where none does, the
 *   one that is next in the line
 */
export type CreateOutcome = { type: 'started' | 'queued'; run: Run } | { type: 'busy'; activeRunId: string };

/** How a run ended, and everything that is written with it in one transaction. */
export type FinalRun = {
  status: FinalStatus;
  lastAgent: string | null;
  model: string | null;
  response: string | null;
  output: Json;
  usage: Usage;
  costUsd: number | null;
  error: RunError | null;
  firstTokenMs: number | null;
  /** Appended to the session in this order. */
  newItems: JsonRecord[];
};

/** What is known of a run when it stops for a person. */
export type PausedRun = Pick<FinalRun, 'lastAgent' | 'model' | 'usage' | 'costUsd' | 'firstTokenMs'> & {
  requiredAction: Json;
};

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
 * Runs, and the lock that a run has on its session. A run of a session is `running` only while the session's
 * `activeRunId` names it: at most one run holds a session at a time.
 */
export interface RunStore {
  /**
   * Creates a run, and its session if that is new. `ifBusy` says what to do when the session is held or waited for.
   * A run without a session always starts. Rejects with an error that is not a `ServiceError` if the id is taken.
   */
  create(run: NewRun, ifBusy: 'wait' | 'reject'): Promise<CreateOutcome>;

  /**
   * Starts a queued run if its session is free and no run of the session arrived before it: `queued → running`,
   * attempt + 1, the session held. Returns the run, or null if it is not its turn (or it is not queued any more).
   */
  startQueued(tenantId: string, runId: string, ownerId: string): Promise<Run | null>;

  /**
   * Stops a run until a person has decided: `running → requires_action`, at this `attempt` only. It keeps its session
   * and belongs to no process any more. Returns the run as it is now, or null if nothing was written.
   */
  pause(tenantId: string, runId: string, attempt: number, pause: PausedRun): Promise<Run | null>;

  /**
   * Ends a run: final state, its new items in the session, the session's counters and its release, in one
   * transaction, and only if the run has not ended yet (it may be `queued`, never started, or `requires_action`) and
   * stands at this `attempt`. Returns the run as it is now, or null if another attempt has taken over or the run had
   * ended: then nothing was written. NUL and lone surrogates in `lastAgent` and `model` become U+FFFD.
   */
  finish(tenantId: string, runId: string, attempt: number, final: FinalRun): Promise<Run | null>;

  /** The run, or null if this tenant has none of that id. */
  get(tenantId: string, runId: string): Promise<Run | null>;

  /** Newest first, by creation and then by id; `before` is the id of the last run of the page before. */
  list(tenantId: string, filter: RunFilter, limit: number, before: string | null): Promise<Page<Run, string>>;

  /**
   * Ends the runs, running or queued, of all tenants, whose process is dead (no lease, see `ProcessStore`): `failed`
   * with `error`, `crashes` + 1, their sessions released. At most `limit` at once, in order of arrival; returns them
   * as they are now.
   */
  failOrphans(error: RunError, limit: number): Promise<Run[]>;
}
