// The fencing checks on SQLite: conditions of the statements with which the process that executes a run writes to it.
// The rule is at `RunAttempt` in src/storage/port/fencing.ts.

/** Whether a run is `running` at an attempt; parameters: its id, the tenant, the attempt. */
export const isRunningAttempt = "id = ? and tenant_id = ? and attempt = ? and status = 'running'";

/**
 * Whether a run has not ended and is still at an attempt; the same parameters. A run that is queued again belongs to its
 * next attempt already.
 */
export const isUnfinishedAttempt = `id = ? and tenant_id = ? and attempt = ?
    and (status in ('running', 'requires_action') or status = 'queued' and attempt = 0)`;
