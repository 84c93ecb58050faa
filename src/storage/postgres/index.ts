import { type Clock, systemClock } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import { withoutEffect } from '../../platform/postgres-parameters.ts';
import { parsePostgresUrl } from '../../platform/postgres-url.ts';
import type { Store } from '../port/index.ts';
import { decideStamp, logStamp, type StoreOpening, type StorePlace } from '../store-environment-policy.ts';
import { createBudgetStore } from './budgets.ts';
import { describeUrl } from './connection.ts';
import { createDatabase, type Database } from './database.ts';
import { createFailureDetector } from './failure-detector.ts';
import { createJournalStore } from './journal.ts';
import { createKeyStore } from './keys.ts';
import { createListener } from './listener.ts';
import { migrate } from './migrate.ts';
import { createPlaceWait } from './place-wait.ts';
import { createProcessLocks } from './process-locks.ts';
import { createProcessStore } from './processes.ts';
import { createProviderStore } from './providers.ts';
import { createRateLimiter } from './rate-limits.ts';
import { createRetentionStore } from './retention.ts';
import { createRunStore } from './runs.ts';
import { createSessionStore } from './sessions.ts';
import { attempt } from './setup-failure.ts';
import { createSignals, type PostgresSignals, signalChannel } from './signals.ts';
import { readOwnership, stampStore } from './store-environment.ts';
import { createWebhookStore } from './webhooks.ts';

export { inspectPostgres } from './inspection.ts';

/** Options of `createPostgresStore`. */
export type PostgresStoreOptions = {
  /** Where queries go; a pooler may be in between (PgBouncer from 1.21 on, with `max_prepared_statements` above 0). */
  url: string;
  /** The same database without a pooler in between, for migrations, locks and signals. */
  directUrl: string;
  /** Connections at most. */
  poolMax: number;
  /** Which environment opens the store, which is refused on a store of another one. Defaults to any. */
  opening?: StoreOpening;
  log: Pick<Logger, 'info' | 'warn'>;
  /** What Postgres shows as the connections' name. Defaults to `agent-service`. */
  appName?: string;
  /** For backoffs, and for how long connections are up. Defaults to the machine's. */
  clock?: Clock;
  /** Gives [0, 1), for the jitter of backoffs. Defaults to `Math.random`. */
  random?: () => number;
};

const selectOne = { name: 'ping', text: 'select 1' };

/** Brings the schema up to date, and checks before and after that the store is of the environment that opens it. */
async function prepare(options: PostgresStoreOptions, place: StorePlace): Promise<string | null> {
  const { directUrl, log, appName = 'agent-service', opening } = options;
  let environment: string | null = null;
  const applied = await migrate({
    url: directUrl,
    appName,
    async before(client) {
      if (opening !== undefined) decideStamp(opening, await readOwnership(client), place);
    },
    async after(client) {
      const stamped = opening === undefined ? null : await stampStore(client, opening, place);
      environment = (await readOwnership(client)).stamp;
      if (opening?.stamps) logStamp(log, place, stamped, environment);
    },
  });
  for (const { version, name } of applied) log.info({ version, migration: name }, 'migration applied');
  return environment;
}

/** Warns of parameters of the URLs that are taken, and change nothing here. */
function warnOfParameters({ url, directUrl, log }: PostgresStoreOptions): void {
  const names = [url, directUrl].flatMap((each) => withoutEffect(parsePostgresUrl(each).parameters.keys()));
  if (names.length > 0)
    log.warn({ parameters: [...new Set(names)] }, 'parameters of the URL of the database have no effect');
}

/**
 * The store on Postgres 14 or newer, for any number of processes. Its `start` brings the schema up to date; processes
 * that start together do so one after the other.
 *
 * `start` throws {@link StoreSetupError} if the database cannot be reached or used, if it is of another environment, or
 * if a newer version of the service has migrated it.
 */
export function createPostgresStore(options: PostgresStoreOptions): Store {
  const {
    url,
    directUrl,
    poolMax,
    log,
    appName = 'agent-service',
    clock = systemClock,
    random = Math.random,
  } = options;
  const database = createDatabase({ url, poolMax, appName, clock, random, log });
  const signals = createSignals(database, log);
  const journal = createJournalStore(database, signals);
  const runs = createRunStore(database, signals);
  const { listener, processes } = createLiveness(options, database, signals);
  const place: StorePlace = { name: describeUrl(url), setting: 'DATABASE_URL', shared: true };
  let environment: string | null = null;
  const directSetting = directUrl === url ? 'DATABASE_URL' : 'DATABASE_DIRECT_URL';

  return {
    name: 'store',
    engine: 'postgres',
    place: place.name,
    environment: () => environment,
    runs,
    sessions: createSessionStore(database),
    processes,
    journal,
    retention: createRetentionStore(database),
    keys: createKeyStore(database),
    budgets: createBudgetStore(database),
    providers: createProviderStore(database, signals),
    webhooks: createWebhookStore(database),
    signals,
    rateLimiter: createRateLimiter(database, log),
    async ping(signal) {
      signal.throwIfAborted();
      await Promise.race([database.query(selectOne), rejected(signal)]);
    },
    async start() {
      if (database.isOpen()) return;
      warnOfParameters(options);
      const whenFree = createPlaceWait({ clock, log });
      const begin = <T>(setting: string, to: string, work: () => Promise<T>) =>
        attempt(setting, to, () => whenFree(work));
      environment = await begin(directSetting, directUrl, () => prepare(options, place));
      await begin('DATABASE_URL', url, async () => {
        database.open();
        await database.query(selectOne);
      });
      await begin(directSetting, directUrl, () => listener.start());
    },
    async stop(deadline) {
      const written = Promise.all([journal.written(), runs.written()]);
      await Promise.race([written.then(signals.sent), aborted(deadline)]);
      await listener.stop(deadline);
      await database.close(deadline);
    },
  };
}

/** The direct connection, on which this process receives signals and holds the locks by which others see it alive. */
function createLiveness(options: PostgresStoreOptions, database: Database, signals: PostgresSignals) {
  const { directUrl, log, appName = 'agent-service', clock = systemClock, random = Math.random } = options;
  const listener = createListener(
    { url: directUrl, appName, channel: signalChannel, clock, random, log },
    {
      onPayload: (payload) => signals.receive(payload),
      async onConnected(again) {
        await locks.reacquire();
        if (again) signals.deliver({ type: 'claimable' }); // signals that were sent in between were not received
      },
      onDisconnected() {
        detector.reset();
        processes.withdrawLocks(locks.connectionLost()).catch(() => {}); // the next heartbeat does it too
      },
      async onHeartbeat() {
        await locks.reacquire();
        await detector.check();
      },
    },
  );
  const locks = createProcessLocks(listener.query);
  const detector = createFailureDetector({
    query: listener.query,
    locks,
    upSinceMs: listener.upSinceMs,
    nowMs: () => clock.monotonicMs(),
    log,
    onProcessDead: () => signals.deliver({ type: 'orphans' }),
  });
  const processes = createProcessStore(database, locks);
  return { listener, processes };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function rejected(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
