import type pg from 'pg';

/** How long the database may work on a statement. */
const statementMs = 10_000;

/**
 * What holds for a connection, whatever role and database say. The statements are written for READ COMMITTED: at a
 * stricter level, runs of one session would fail with serialization errors that Postgres expects clients to repeat.
 *
 * Not among the connection's parameters, since PgBouncer refuses connections that come with one. A pooler of transactions
 * would pass the isolation on to other applications, so it is left alone there (the pooler reports a process id of its
 * own): what fails with a serialization error is repeated, see `Database.query`.
 */
export async function prepareSession(client: pg.ClientBase, options: { limited: boolean }): Promise<void> {
  const { processID } = client as pg.ClientBase & { processID: number | null };
  const limit = options.limited ? `set statement_timeout = ${statementMs};` : '';
  await client.query(`${limit}
    select set_config('default_transaction_isolation', 'read committed', false)
    where current_setting('default_transaction_isolation') <> 'read committed' and pg_backend_pid() = ${Number(processID)}`);
}
