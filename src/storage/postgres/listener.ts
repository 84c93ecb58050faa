import type { Socket } from 'node:net';
import pg from 'pg';
import type { Clock } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import { connectionString, connectMs, types } from './connection.ts';
import type { Statement } from './database.ts';
import { reasonOf, toOperationError, unavailable } from './errors.ts';

/** What `createListener` takes. */
export type ListenerOptions = {
  /** The database without a pooler between: what a connection listens to and locks belongs to that connection. */
  url: string;
  /** What Postgres shows as the connection's name. */
  appName: string;
  channel: string;
  clock: Clock;
  /** Gives [0, 1). */
  random: () => number;
  log: Pick<Logger, 'warn'>;
};

/** What a listener tells. All may fail: the connection is then given up. */
export type ListenerHooks = {
  onPayload(payload: string): void;
  /** A connection listens from now on; `again` after the first. */
  onUp(again: boolean): Promise<void>;
  /** The connection was lost. */
  onDown(): void;
  /** Called every `beatMs` while the connection is up; asks the database something, so that a dead line is noticed. */
  onBeat(): Promise<void>;
};

/** How often the connection is used for something. */
export const beatMs = 500;
/** How long the answer to a query may take before the connection is given up. */
const answerMs = 5_000;
/** The longest pause between attempts to connect again; the first comes at once, the others after 0.1 s and more. */
const pauseMaxMs = 5_000;
const pauseBaseMs = 100;

/** Full jitter (AWS, "Exponential Backoff And Jitter"), in ms; `failures` counts those in a row. */
const pauseMs = (failures: number, random: () => number): number =>
  failures === 0 ? 0 : random() * Math.min(pauseMaxMs, pauseBaseMs * 2 ** failures);

type Connection = { client: pg.Client; lost: Promise<void>; sinceMs: number };

/**
 * One connection of its own that listens to a channel, and that is opened again by itself when it is lost. Queries on
 * it reject with `store_unavailable` while it is down.
 */
export function createListener(options: ListenerOptions, hooks: ListenerHooks) {
  const { url, appName, channel, clock, random, log } = options;
  let up: Connection | null = null;
  let stopping = new AbortController();
  let hurry = new AbortController().signal;
  let kept: Promise<void> | null = null;

  const query = async <Row extends pg.QueryResultRow>(statement: Statement, values: unknown[] = []): Promise<Row[]> => {
    if (up === null) throw unavailable(new Error('the connection for signals is down'));
    try {
      return (await up.client.query<Row>({ ...statement, values })).rows;
    } catch (error) {
      throw toOperationError(error);
    }
  };

  const open = async (): Promise<Connection> => {
    const client = new pg.Client({
      connectionString: connectionString(url),
      application_name: `${appName} signals`,
      types,
      connectionTimeoutMillis: connectMs,
      query_timeout: answerMs,
      keepAlive: true,
    });
    const lost = new Promise<void>((resolve) => client.once('end', () => resolve()));
    client.on('error', () => destroy(client)); // what it was is told by the query that fails, or by the end
    client.on('notification', ({ payload }) => hooks.onPayload(payload ?? ''));
    try {
      await client.connect();
      await client.query(`listen ${channel}`);
    } catch (error) {
      destroy(client);
      throw error;
    }
    return { client, lost, sinceMs: clock.monotonicMs() };
  };

  const beat = async (connection: Connection): Promise<void> => {
    const over = AbortSignal.any([stopping.signal, abortedWhen(connection.lost)]);
    while (!over.aborted) {
      await clock.sleep(beatMs, over).catch(() => {});
      if (!over.aborted) await hooks.onBeat();
    }
  };

  /** Says goodbye, so that the database frees what the connection held before this returns. */
  const close = async ({ client, lost }: Connection): Promise<void> => {
    client.end().catch(() => {});
    await Promise.race([lost, aborted(hurry)]);
  };

  /** Uses a connection until it is lost or no longer wanted. */
  const use = async (connection: Connection, again: boolean): Promise<void> => {
    up = connection;
    try {
      await hooks.onUp(again);
      await beat(connection);
    } finally {
      up = null;
      if (stopping.signal.aborted) await close(connection);
      else hooks.onDown();
      destroy(connection.client);
    }
  };

  const keep = async (first: Connection): Promise<void> => {
    let next: Connection | null = first;
    for (let failures = 0, again = false; !stopping.signal.aborted; again = true) {
      const startedMs = clock.monotonicMs();
      const reason = await Promise.resolve(next ?? open())
        .then((connection) => use(connection, again))
        .then(() => 'it was cut', reasonOf);
      if (stopping.signal.aborted) return;
      log.warn({ reason }, 'the connection for signals was lost');
      // A connection that is cut as soon as it is made is no better than none.
      failures = clock.monotonicMs() - startedMs >= beatMs ? 0 : failures + 1;
      next = null;
      await clock.sleep(pauseMs(failures, random), stopping.signal).catch(() => {});
    }
  };

  return {
    /** Resolves when the first connection listens; rejects if it cannot be made. */
    async start(): Promise<void> {
      if (kept !== null) return;
      stopping = new AbortController();
      const first = await open();
      kept = keep(first);
    },

    /** Closes the connection, which frees its locks; without waiting for the database once `deadline` aborts. */
    async stop(deadline: AbortSignal): Promise<void> {
      hurry = deadline;
      stopping.abort();
      await kept;
      kept = null;
    },

    query,

    /** When the connection that is up was made, on the monotonic clock; null while none is. */
    upSinceMs: (): number | null => up?.sinceMs ?? null,
  };
}

/** What `createListener` makes. */
export type Listener = ReturnType<typeof createListener>;

/** Closes a connection without waiting for an answer, which on a dead line would never come. */
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
