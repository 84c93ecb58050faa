import type pg from 'pg';

/** Connections of the database that wait for a lock. */
export const waitingForLock = `pg_stat_activity
  where datname = current_database() and pid <> pg_backend_pid() and wait_event_type = 'Lock'`;

/** Resolves when `count` connections of the database wait for a lock, such as one that the test holds. */
export async function untilWaiting(admin: pg.Client, count = 1): Promise<void> {
  for (;;) {
    // Within a transaction, which often holds that lock, Postgres repeats its first snapshot unless that is cleared.
    await admin.query('select pg_stat_clear_snapshot()');
    if ((await admin.query(`select from ${waitingForLock}`)).rowCount === count) return;
  }
}
