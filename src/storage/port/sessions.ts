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

/**
 * A history to import. The `key` of a request makes it repeatable: with the same fingerprint it is imported once, as long
 * as the session exists.
 */
export type HistoryImport = {
  items: readonly JsonRecord[];
  idempotency: { key: string; fingerprint: string } | null;
};

/**
 * The outcome of an import:
 * - `imported`: the items are at the end of the session, which was created if it was new
 * - `existing`: the key was used before with the same fingerprint; nothing was written
 * - `key_reused`: the key was used before with another fingerprint; nothing was written
 * - `busy`: a run holds the session or is queued for it; nothing was written
 */
export type ImportOutcome =
  | { type: 'imported' | 'existing'; session: Session }
  | { type: 'key_reused' }
  | { type: 'busy'; activeRunId: string };

/** Conversations. `RunStore.create` creates them; `RunStore.finish` and `importHistory` add items to them. */
export interface SessionStore {
  get(tenantId: string, sessionId: string): Promise<Session | null>;

  list(tenantId: string, limit: number, after: SessionCursor | null): Promise<Page<Session, SessionCursor>>;

  /**
   * Items in order; `afterSeq` is the number of the last item of the page before, 0 to begin. With `bytesMax` the page
   * ends before the item that would make it longer than so many bytes of JSON; its first item is there in any case.
   */
  items(
    tenantId: string,
    sessionId: string,
    limit: number,
    afterSeq: number,
    bytesMax?: number,
  ): Promise<Page<SessionItem, number>>;

  /** The conversation up to and including item `uptoSeq`, in order: the input of a model. */
  history(tenantId: string, sessionId: string, uptoSeq: number): Promise<JsonRecord[]>;

  /** The context that the runs of a session have left (see `FinalRun`); null if there is no such session. */
  context(tenantId: string, sessionId: string): Promise<SessionContext | null>;

  /** Adds a history at the end of a session that no run holds or is queued for, in one transaction. */
  importHistory(tenantId: string, sessionId: string, history: HistoryImport): Promise<ImportOutcome>;

  /**
   * Deletes the session with all that belongs to it, unless a run holds it or is queued for it. One transaction deletes
   * the session and its items and marks its runs for deletion. Then the runs are removed in batches, with their steps,
   * events and idempotency keys, and the promise resolves when all are removed. The session may be created anew
   * meanwhile, and keeps its new runs. If the process dies in between, `RetentionStore.pruneDeleted` continues, and so
   * does deleting the session again.
   */
  delete(tenantId: string, sessionId: string): Promise<DeleteOutcome>;
}
