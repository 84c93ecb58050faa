/** What one batch took away, and whether the next one may find more. */
export type Removed = { removed: number; more: boolean };

/** What has had its time: finished runs, and idempotency keys. */
export type Expired = { runs: number; keys: number };

/**
 * Takes away what has had its time. Each call is one small batch in a transaction of its own, so that nobody who works
 * with the store waits noticeably; whoever wants everything gone calls again while there is `more`. Several processes
 * may do so at once and share the work. A run goes with its steps, its events and its idempotency keys; the items that
 * it left in a session stay, and so do the sums of that session.
 *
 * A run of very many steps and events may take several batches: the run itself goes with the last one.
 */
export interface RetentionStore {
  /** Removes at most `limit` runs of all tenants that ended more than `olderThanMs` ago, those that ended first first. */
  pruneRuns(olderThanMs: number, limit: number): Promise<Removed>;

  /** Removes at most `limit` idempotency keys that have expired. */
  pruneKeys(limit: number): Promise<Removed>;

  /**
   * Removes at most `limit` runs whose session was deleted by a process that did not come to the end of it (see
   * `SessionStore.delete`).
   */
  pruneDeleted(limit: number): Promise<Removed>;

  /** Counts what `pruneRuns` and `pruneKeys` would remove in all. */
  countExpired(olderThanMs: number): Promise<Expired>;
}
