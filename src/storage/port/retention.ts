/** How much one batch removed, and whether the next one may find more. */
export type Removed = { removed: number; more: boolean };

/** How much has expired: finished runs, and idempotency keys. */
export type Expired = { runs: number; keys: number };

/**
 * Removes what has expired. Each call is one small batch in a transaction of its own, so that other users of the store
 * do not wait noticeably; to remove everything, call again while there is `more`. Several processes may do so at once
 * and share the work. A run is removed with its steps, its events and its idempotency keys; the items that it added to a
 * session stay, and so do the sums of that session.
 *
 * A run of very many steps and events may take several batches; the last one removes the run itself.
 */
export interface RetentionStore {
  /** Removes at most `limit` runs of all tenants that ended more than `olderThanMs` ago, oldest end first. */
  pruneRuns(olderThanMs: number, limit: number): Promise<Removed>;

  /** Removes at most `limit` idempotency keys that have expired. */
  pruneKeys(limit: number): Promise<Removed>;

  /**
   * Removes at most `limit` runs of deleted sessions that were not removed yet, since the deleting process died (see
   * `SessionStore.delete`).
   */
  pruneDeleted(limit: number): Promise<Removed>;

  /** Counts the runs that `pruneRuns` and the keys that `pruneKeys` would remove in all. */
  countExpired(olderThanMs: number): Promise<Expired>;
}
