import type { JsonRecord, Page, Session, SessionItem } from './types.ts';

/**
 * Where a page of sessions ends: sessions are listed by their last change, newest first; those of the same millisecond
 * by id, descending, in the order of their bytes.
 */
export type SessionCursor = { updatedAtMs: number; id: string };

/** What became of a request to delete a session; a busy one was not touched. */
export type DeleteOutcome = { type: 'deleted' | 'not_found' } | { type: 'busy'; activeRunId: string };

/** Conversations. They are made by `RunStore.create` and written by `RunStore.finish`. */
export interface SessionStore {
  get(tenantId: string, sessionId: string): Promise<Session | null>;

  list(tenantId: string, limit: number, after: SessionCursor | null): Promise<Page<Session, SessionCursor>>;

  /** Items in order; `afterSeq` is the number of the last item of the page before, 0 to begin. */
  items(tenantId: string, sessionId: string, limit: number, afterSeq: number): Promise<Page<SessionItem, number>>;

  /** The conversation up to and including item `uptoSeq`, in order: what a model is shown. */
  history(tenantId: string, sessionId: string, uptoSeq: number): Promise<JsonRecord[]>;

  /**
   * Deletes the session with all that belongs to it, unless a run holds it or waits for it: its items at once, and with
   * them the decision that its runs go; then the runs with their steps, events and idempotency keys, in batches, and
   * the promise resolves when they are gone. The session may be made anew meanwhile, and keeps its new runs. Should the
   * process die in between, `RetentionStore.pruneDeleted` goes on, and so does deleting the session again.
   */
  delete(tenantId: string, sessionId: string): Promise<DeleteOutcome>;
}
