import type { Socket } from 'node:net';
import type pg from 'pg';
import type { Clock } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import { newClient } from './client.ts';
import { types } from './connection.ts';
import type { Statement } from './database.ts';
import { reasonOf, toOperationError, unavailable } from './errors.ts';
import { prepareSession } from './session.ts';

/** Dependencies of `createListener`. */
export type ListenerOptions = {
  /** The database without a pooler between: subscriptions and locks belong to one connection. */
  url: string;
  /** What Postgres shows as the connection's name. */
  appName: string;
  channel: string;
  clock: Clock;
  /** Gives [0, 1). */
  random: () => number;
  log: Pick<Logger, 'warn'>;
};

/** The events of a listener. If a hook fails, the connection is replaced. */
export type ListenerHooks = {
  onPayload(payload: string): void;
  /** A connection listens from now on; `again` after the first. */
  onConnected(again: boolean): Promise<void>;
  /** The connection was lost. */
  onDisconnected(): void;
  /** Called every `heartbeatMs` while connected; sends the database a query, so that a dead connection is noticed. */
  onHeartbeat(): Promise<void>;
};

/** How often the connection is used for something. */
export const heartbeatMs = 500;
/** How long the answer to a query may take before the connection is replaced. */
const answerMs = 5_000;
/** The longest backoff between attempts to connect again; the first comes at once, the others after 0.1 s and more. */
const backoffMsMax = 5_000;
const backoffMsBase = 100;

/** Full jitter (AWS, "Exponential Backoff And Jitter"), in ms; `failures` counts those in a row. */
const backoffMs = (failures: number, random: () => number): number =>
  failures === 0 ? 0 : random() * Math.min(backoffMsMax, backoffMsBase * 2 ** failures);

type Connection = { client: pg.Client; lost: Promise<void>; sinceMs: number };

/**
 * One connection of its own that listens to a channel (LISTEN) and is replaced when it is lost. Queries on it reject
 * with `store_unavailable` while there is none.
 */
export function createListener(options: ListenerOptions, hooks: ListenerHooks) {
  const { clock, random, log } = options;
  let current: Connection | null = null;
  let stopping = new AbortController();
  let stopDeadline = new AbortController().signal;
  let running: Promise<void> | null = null;

  /** Uses a connection until it is lost or the listener stops. */
  const use = async (connection: Connection, again: boolean): Promise<void> => {
    current = connection;
    try {
      await hooks.onConnected(again);
      await sendHeartbeats(connection, stopping.signal, clock, hooks);
    } finally {
      current = null;
      if (stopping.signal.aborted) await close(connection, stopDeadline);
      else hooks.onDisconnected();
      destroy(connection.client);
    }
  };

  const keepConnected = async (first: Connection): Promise<void> => {
    let next: Connection | null = first;
    for (let failures = 0, again = false; !stopping.signal.aborted; again = true) {
      const startedMs = clock.monotonicMs();
      const reason = await Promise.resolve(next ?? connect(options, hooks))
        .then((connection) => use(connection, again))
        .then(() => 'it was cut', reasonOf);
      if (stopping.signal.aborted) return;
      log.warn({ reason }, 'the connection for signals was lost');
      // A connection that is cut as soon as it is made counts as a failure too.
      failures = clock.monotonicMs() - startedMs >= heartbeatMs ? 0 : failures + 1;
      next = null;
      await clock.sleep(backoffMs(failures, random), stopping.signal).catch(() => {});
    }
  };

  return {
    /** Resolves when the first connection listens; rejects if it cannot be made. */
    async start(): Promise<void> {
      if (running !== null) return;
      stopping = new AbortController();
      running = keepConnected(await connect(options, hooks));
    },

    /** Closes the connection, which frees its locks; without waiting for the database once `deadline` aborts. */
    async stop(deadline: AbortSignal): Promise<void> {
      stopDeadline = deadline;
      stopping.abort();
      await running;
      running = null;
    },

    query: <Row extends pg.QueryResultRow>(statement: Statement, values: unknown[] = []): Promise<Row[]> =>
      query<Row>(current, statement, values),

    /** When the current connection was made, on the monotonic clock; null while there is none. */
    upSinceMs: (): number | null => current?.sinceMs ?? null,
  };
}

/** What `createListener` makes. */
export type Listener = ReturnType<typeof createListener>;

/** Connects and listens. */
async function connect(options: ListenerOptions, hooks: Pick<ListenerHooks, 'onPayload'>): Promise<Connection> {
  const client = newClient(options.url, {
    application_name: `${options.appName} signals`,
    types,
    query_timeout: answerMs,
    keepAlive: true,
  });
  const lost = new Promise<void>((resolve) => client.once('end', () => resolve()));
  client.on('error', () => destroy(client)); // the query that fails, or the end, reports it
  client.on('notification', ({ payload }) => hooks.onPayload(payload ?? ''));
  try {
    await client.connect();
    await prepareSession(client, { limited: false });
    await client.query(`listen ${options.channel}`);
  } catch (error) {
    destroy(client);
    throw error;
  }
  return { client, lost, sinceMs: options.clock.monotonicMs() };
}

async function query<Row extends pg.QueryResultRow>(
  connection: Connection | null,
  statement: Statement,
  values: unknown[],
): Promise<Row[]> {
  if (connection === null) throw unavailable(new Error('the connection for signals is down'));
  try {
    return (await connection.client.query<Row>({ ...statement, values })).rows;
  } catch (error) {
    throw toOperationError(error, statement.name);
  }
}

/** Calls the hook while the connection is up; resolves when it is lost or the listener stops. */
async function sendHeartbeats(
  { lost }: Connection,
  stopping: AbortSignal,
  clock: Clock,
  hooks: Pick<ListenerHooks, 'onHeartbeat'>,
): Promise<void> {
  const over = AbortSignal.any([stopping, abortedWhen(lost)]);
  while (!over.aborted) {
    await clock.sleep(heartbeatMs, over).catch(() => {});
    if (!over.aborted) await hooks.onHeartbeat();
  }
}

/** Closes a connection in order, so that the database has freed its locks before this resolves; at most until `deadline`. */
async function close({ client, lost }: Connection, deadline: AbortSignal): Promise<void> {
  client.end().catch(() => {});
  await Promise.race([lost, aborted(deadline)]);
}

/** Closes a connection without waiting for an answer, which a dead connection would never get. */
function destroy(client: pg.Client): void {
  (client as unknown as { connection: { stream: Socket } }).connection.stream.destroy();
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function abortedWhen(event: Promise<void>): AbortSignal {
  const controller = new AbortController();
  void event.then(() => controller.abort());
  return controller.signal;
}
