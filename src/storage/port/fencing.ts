/**
 * One attempt of one run, as every write of the process that executes it names it. `attempt` is a *fencing token*
 * (Martin Kleppmann, "How to do distributed locking",
 * https://martin.kleppmann.com/2016/02/08/how-to-do-distributed-locking.html): each claim of a run raises it by 1.
 *
 * The rule: a write is refused, as a whole and without an error, unless the run is `running` at exactly this attempt. A
 * process whose lease ended without its knowledge, for instance because it was suspended, can therefore do no harm: its
 * run is queued again or belongs to a later attempt, and its late writes change nothing. Only `RunStore.finish` accepts
 * more: a run at this attempt that is `requires_action`, and a run that was never claimed (`queued`, attempt 0).
 *
 * The check and the write are one transaction on both engines. On SQLite the checks are the conditions in
 * `sqlite/fencing.ts`; on Postgres they are a part of SQL functions in `postgres/migrations`:
 *
 * - `JournalStore.append`: `isRunningAttempt` in `sqlite/journal.ts`; `append_journal` in `002-operations.sql`
 * - `RunStore.handBack`: `isRunningAttempt` in `sqlite/recovery.ts`; `hand_back_run` in `002-operations.sql`, which the
 *   one in `008-providers.sql` calls
 * - `RunStore.pause`: `isRunningAttempt` in `sqlite/approvals.ts`; `pause_run` in `002-operations.sql`, which the one in
 *   `005-approvals.sql` calls
 * - `RunStore.finish`: `isUnfinishedAttempt` in `sqlite/run-end.ts`; `finish_run` in `002-operations.sql`
 *
 * A claim raises the attempt: `claim` in `sqlite/claims.ts`; `claim_runs` in `011-fair-claims.sql`.
 */
export type RunAttempt = { tenantId: string; runId: string; attempt: number };
