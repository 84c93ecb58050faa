import type { JsonRecord, Page, Session, SessionItem } from './types.ts';

/**
 * Where a page of sessions ends: sessions are listed by their last change, newest first; those of the same millisecond
 * by id, descending, in the order of their bytes.
 */
export type SessionCursor = { updatedAtMs: number; id: string };

/** The outcome of a request to delete a session; a busy one was not changed. */
export type DeleteOutcome = { type: 'deleted' | 'not_found' } | { type: 'busy'; activeRunId: string };

/** The run context that a run left in its session; `runId` is the run that ended last, and may have left none. */
export type SessionContext = { context: JsonRecord | null; ofRunId: string | null; lastRunId: string | null };

/** Conversations. `RunStore.create` creates them, and `RunStore.finish` adds items to them. */
export interface SessionStore {
  get(tenantId: string, sessionId: string): Promise<Session | null>;

  list(tenantId: string, limit: number, after: SessionCursor | null): Promise<Page<Session, SessionCursor>>;

  /** Items in order; `afterSeq` is the number of the last item of the page before, 0 to begin. */
  items(tenantId: string, sessionId: string, limit: number, afterSeq: number): Promise<Page<SessionItem, number>>;

  /** The conversation up to and including item `uptoSeq`, in order: the input of a model. */
  history(tenantId: string, sessionId: string, uptoSeq: number): Promise<JsonRecord[]>;

  /** The context that the runs of a session have left (see `FinalRun`); null if there is no such session. */
  context(tenantId: string, sessionId: string): Promise<SessionContext | null>;

  /**
   * Deletes the session with all that belongs to it, unless a run holds it or is queued for it. One transaction deletes
   * the session and its items and marks its runs for deletion. Then the runs are removed in batches, with their steps,
   * events and idempotency keys, and the promise resolves when all are removed. The session may be created anew
   * meanwhile, and keeps its new runs. If the process dies in between, `RetentionStore.pruneDeleted` continues, and so
   * does deleting the session again.
   */
  delete(tenantId: string, sessionId: string): Promise<DeleteOutcome>;
}
