import pg from 'pg';
import { type Clock, systemClock } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import { parsePostgresUrl } from '../../platform/postgres-url.ts';
import { clientClassOf, connectMsOf } from './client.ts';
import { clientConfig, types } from './connection.ts';
import { reasonOf, toOperationError, unavailable } from './errors.ts';
import { createRepeatedStatements } from './repeated-statements.ts';
import { prepareSession } from './session.ts';

/** A statement with `$1` for its values. With a name it is prepared, once a connection. */
export type Statement = { name?: string; text: string };

/** Where a database is, and how it is used. */
export type DatabaseOptions = {
  url: string;
  /** Connections at most. */
  poolMax: number;
  /** What Postgres shows as the connections' name. */
  appName: string;
  /** For backoffs. Defaults to the machine's. */
  clock?: Pick<Clock, 'monotonicMs' | 'sleep'>;
  /** Gives [0, 1), for the jitter of backoffs. Defaults to `Math.random`. */
  random?: () => number;
  log: Pick<Logger, 'warn'>;
};

/** How long the answer to a query may take, network included, before its connection is closed. */
const answerMs = 15_000;

/** How long an idle connection stays open. */
const idleMs = 60_000;

/**
 * A pool of connections, which can be opened and closed. A query is one round trip. While it is closed, and when the
 * database cannot be reached, queries reject with `store_unavailable`; a lost connection is replaced by the next query.
 */
export function createDatabase(options: DatabaseOptions) {
  let pool: pg.Pool | null = null;
  const clients = new Set<pg.Client>();
  const { poolMax, clock = systemClock, random = Math.random } = options;
  // What Prisma calls it, and others after it: a pooler before 1.21 cannot keep prepared statements.
  const unnamed = parsePostgresUrl(options.url).parameters.get('pgbouncer') === 'true' ? { name: undefined } : {};
  const repeated = createRepeatedStatements({ poolMax, clock, random });
  let queries = 0;
  let onIdle = () => {};

  const currentPool = (): pg.Pool => {
    if (pool === null) throw unavailable(new Error('the store is not started'));
    return pool;
  };

  const whenIdle = () =>
    new Promise<void>((resolve) => {
      onIdle = resolve;
      if (queries === 0) resolve();
    });

  return {
    isOpen: (): boolean => pool !== null,

    open(): void {
      pool ??= openPool(options, clients);
    },

    /** Waits for the running queries, and cuts them off when `deadline` aborts. */
    async close(deadline: AbortSignal): Promise<void> {
      if (pool === null) return;
      const closing = pool;
      pool = null;
      await Promise.race([whenIdle(), aborted(deadline)]);
      const closed = closing.end();
      if (queries > 0) for (const client of clients) void client.end();
      await closed;
    },

    /** The rows of one statement. NUL in a text, which Postgres cannot store, becomes U+FFFD, as lone surrogates do. */
    async query<Row extends pg.QueryResultRow>(statement: Statement, values: readonly unknown[] = []): Promise<Row[]> {
      queries += 1;
      try {
        const query = { ...statement, ...unnamed, values: values.map(toParameter) };
        return (await repeated(currentPool(), () => currentPool().query<Row>(query))).rows;
      } catch (error) {
        throw toOperationError(error, statement.name);
      } finally {
        queries -= 1;
        if (queries === 0) onIdle();
      }
    },
  };
}

/** A pool of connections, whose open connections are in `clients`. */
function openPool({ url, poolMax, appName, log }: DatabaseOptions, clients: Set<pg.Client>): pg.Pool {
  const pool = new pg.Pool({
    application_name: appName,
    keepAlive: true,
    ...clientConfig(url),
    Client: clientClassOf(url) as unknown as new () => pg.ClientBase,
    max: poolMax,
    types,
    connectionTimeoutMillis: connectMsOf(url),
    query_timeout: answerMs,
    idleTimeoutMillis: idleMs,
    onConnect: (client) => prepareSession(client, { limited: true }),
  });
  // Without a listener the loss of an idle connection would end the process.
  pool.on('error', (error) => log.warn({ reason: reasonOf(error) }, 'idle database connection lost'));
  pool.on('connect', (client) => clients.add(client as unknown as pg.Client));
  pool.on('remove', (client) => clients.delete(client as unknown as pg.Client));
  return pool;
}

/** What `createDatabase` makes. */
export type Database = ReturnType<typeof createDatabase>;

// JSON text escapes NUL, so this changes names only. A query for a name that cannot exist finds nothing.
const toParameter = (value: unknown): unknown =>
  typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '\uFFFD') : value;

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
