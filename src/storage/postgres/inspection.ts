import { Socket } from 'node:net';
import type pg from 'pg';
import { type Clock, systemClock } from '../../platform/clock.ts';
import type { ClockSample, Pooling, PostgresFacts, SchemaFacts } from '../port/index.ts';
import { newClient } from './client.ts';
import { types } from './connection.ts';
import { readMigrations } from './migrate.ts';
import { attempt } from './setup-failure.ts';
import { readOwnership } from './store-environment.ts';

/** Options of `inspectPostgres`. */
export type InspectPostgresOptions = {
  url: string;
  /** The same database without a pooler in between. */
  directUrl: string;
  /** What Postgres shows as the name of the service's connections. Defaults to `agent-service`. */
  appName?: string;
  /** Measures latency, and is compared with the database's clock. Defaults to the machine's. */
  clock?: Pick<Clock, 'nowMs' | 'monotonicMs'>;
};

/** How long the answer to one query may take. */
const answerMs = 5_000;
/** How many round trips are measured. */
const samples = 5;

/**
 * Inspects a database, and changes nothing in it. Aborting `signal` cuts its connections.
 *
 * @throws {StoreSetupError} where it cannot be reached or does not answer
 */
export async function inspectPostgres(options: InspectPostgresOptions, signal: AbortSignal): Promise<PostgresFacts> {
  const { url, directUrl, appName = 'agent-service', clock = systemClock } = options;
  const clients: pg.Client[] = [];
  const open = async (to: string) => {
    const client = newClient(to, {
      application_name: `${appName} doctor`,
      types,
      query_timeout: answerMs,
      stream: () => new Socket({ signal }), // the abort cuts it, whatever the client waits for
    });
    client.on('error', () => {}); // the query in flight rejects with it
    clients.push(client);
    await client.connect();
    return client;
  };
  try {
    const facts = await attempt('DATABASE_URL', url, async () => {
      const client = await open(url);
      const { latencyMs, sample } = await measure(client, clock);
      return {
        ...(await readServer(client)),
        latencyMs,
        clock: sample,
        schema: await readSchema(client),
        stamp: (await readOwnership(client)).stamp,
        connections: await readConnections(client, appName),
        pooling: await findPooling(client, () => open(url)),
      };
    });
    if (directUrl === url) return { ...facts, directPooling: facts.pooling };
    const directPooling = await attempt('DATABASE_DIRECT_URL', directUrl, async () =>
      findPooling(await open(directUrl), () => open(directUrl)),
    );
    return { ...facts, directPooling };
  } finally {
    await Promise.all(clients.map((client) => client.end().catch(() => {}))); // also those that were never connected
  }
}

async function one<Row extends pg.QueryResultRow>(client: pg.Client, text: string, values?: unknown[]): Promise<Row> {
  const { rows } = await client.query<Row>(text, values);
  return rows[0] as Row; // every query here returns exactly one row
}

/** The clock sample of the fastest reading, and the median latency. */
async function measure(client: pg.Client, clock: Pick<Clock, 'nowMs' | 'monotonicMs'>) {
  const readings: { tookMs: number; sample: ClockSample }[] = [];
  for (let count = 0; count < samples; count += 1) {
    const [sentMs, startMs] = [clock.nowMs(), clock.monotonicMs()];
    const { now } = await one<{ now: number }>(
      client,
      'select (extract(epoch from clock_timestamp()) * 1000)::float8 as now',
    );
    const tookMs = clock.monotonicMs() - startMs;
    readings.push({ tookMs, sample: { aheadMs: now - (sentMs + tookMs / 2), uncertainMs: tookMs / 2 } });
  }
  readings.sort((a, b) => a.tookMs - b.tookMs);
  const fastest = readings[0] as (typeof readings)[number];
  return { latencyMs: readings[readings.length >> 1]?.tookMs ?? fastest.tookMs, sample: fastest.sample };
}

type ServerFacts = Pick<PostgresFacts, 'serverVersion' | 'serverMajor' | 'encrypted' | 'readOnly' | 'mayCreate'>;

async function readServer(client: pg.Client): Promise<ServerFacts> {
  const server = await one<{ version: string; number: number; encrypted: boolean; standby: boolean; create: boolean }>(
    client,
    `select current_setting('server_version') as version, current_setting('server_version_num')::int as number,
       coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false) as encrypted,
       pg_is_in_recovery() or current_setting('transaction_read_only')::bool as standby,
       coalesce(has_schema_privilege(current_schema(), 'create'), false) as create`,
  );
  return {
    serverVersion: server.version,
    serverMajor: Math.floor(server.number / 10_000),
    encrypted: server.encrypted,
    readOnly: server.standby,
    mayCreate: server.create,
  };
}

async function readSchema(client: pg.Client): Promise<SchemaFacts> {
  const known = readMigrations().at(-1)?.version ?? 0;
  const { there } = await one<{ there: boolean }>(
    client,
    "select to_regclass('schema_migrations') is not null as there",
  );
  if (!there) return { version: null, known, tooNew: false };
  // An older version made the table without `works_from`.
  const { version, newer } = await one<{ version: number | null; newer: boolean }>(
    client,
    `select max(version) as version, coalesce(bool_or(version > $1
       and coalesce((to_jsonb(step) ->> 'works_from')::int, version) > $1), false) as newer from schema_migrations step`,
    [known],
  );
  return { version, known, tooNew: newer };
}

async function readConnections(client: pg.Client, appName: string): Promise<PostgresFacts['connections']> {
  const limits = await one<{ max: number; kept: number; role: number; database: number; others: number }>(
    client,
    // Postgres hides the name and kind of other users' connections from a user without that privilege.
    `select current_setting('max_connections')::int as max,
       current_setting('superuser_reserved_connections')::int
         + coalesce(current_setting('reserved_connections', true)::int, 0) as kept,
       (select rolconnlimit from pg_roles where rolname = current_user) as role,
       (select datconnlimit from pg_database where datname = current_database()) as database,
       (select count(*)::int from pg_stat_activity
         where usename is not null and coalesce(backend_type, 'client backend') = 'client backend'
           and coalesce(application_name, '') not in ($1, $1 || ' doctor')) as others`,
    [appName],
  );
  return {
    usable: limits.max - limits.kept,
    roleLimit: limits.role < 0 ? null : limits.role,
    databaseLimit: limits.database < 0 ? null : limits.database,
    others: limits.others,
  };
}

/**
 * Whether a pooler is in between, and what it shares. Postgres reports to each client the number of the process that
 * serves it; a pooler reports a number of its own. Two clients that are served by the same process, or one client that is
 * served by two, share connections between transactions.
 */
async function findPooling(first: pg.Client, openSecond: () => Promise<pg.Client>): Promise<Pooling> {
  const servedBy = async (client: pg.Client) =>
    (await one<{ pid: number }>(client, 'select pg_backend_pid() as pid')).pid;
  const reported = (first as pg.Client & { processID: number | null }).processID;
  const before = await servedBy(first);
  if (reported === before) return 'none';
  const second = await openSecond();
  await second.query('begin');
  const other = await servedBy(second); // its transaction keeps this process until it ends
  const after = await servedBy(first);
  await second.query('rollback');
  return other === before || after !== before ? 'transactions' : 'sessions';
}
