import { ServiceError } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Store } from '../port/index.ts';
import { StoreSetupError } from '../setup-error.ts';
import { describeUrl } from './connection.ts';
import { createDatabase } from './database.ts';
import { reasonOf } from './errors.ts';
import { migrate } from './migrate.ts';
import { createProcessStore } from './processes.ts';
import { createRateLimiter } from './rate-limits.ts';
import { createRunStore } from './runs.ts';
import { createSessionStore } from './sessions.ts';

/** What `createPostgresStore` takes. */
export type PostgresStoreOptions = {
  /** Where queries go; a pooler may stand between (PgBouncer from 1.21 on, with `max_prepared_statements` above 0). */
  url: string;
  /** The same database without a pooler between, for migrations and their lock. */
  directUrl: string;
  /** Connections at most. */
  poolMax: number;
  log: Pick<Logger, 'info' | 'warn'>;
  /** What Postgres shows as the connections' name. Defaults to `agent-service`. */
  appName?: string;
};

const selectOne = { name: 'ping', text: 'select 1' };

/**
 * The store on Postgres 14 or newer, for any number of processes. Its `start` brings the schema up to date, which
 * processes that start together do in turn.
 *
 * `start` throws {@link StoreSetupError} if the database cannot be reached or used, or if a newer version of the
 * service has migrated it.
 */
export function createPostgresStore(options: PostgresStoreOptions): Store {
  const { url, directUrl, poolMax, log, appName = 'agent-service' } = options;
  const database = createDatabase({ url, poolMax, appName, log });

  return {
    name: 'store',
    engine: 'postgres',
    runs: createRunStore(database),
    sessions: createSessionStore(database),
    processes: createProcessStore(database),
    rateLimiter: createRateLimiter(database, log),
    async ping(signal) {
      signal.throwIfAborted();
      await Promise.race([database.query(selectOne), rejected(signal)]);
    },
    async start() {
      if (database.isOpen()) return;
      const directSetting = directUrl === url ? 'DATABASE_URL' : 'DATABASE_DIRECT_URL';
      const applied = await attempt(directSetting, directUrl, () => migrate({ url: directUrl, appName }));
      for (const { version, name } of applied) log.info({ version, migration: name }, 'migration applied');
      database.open();
      await attempt('DATABASE_URL', url, () => database.query(selectOne));
    },
    stop: (deadline) => database.close(deadline),
  };
}

/** Does `work`; its failure names the setting and where it leads, without the password. */
async function attempt<T>(setting: string, url: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StoreSetupError) throw error;
    const cause = error instanceof ServiceError ? error.cause : error;
    throw new StoreSetupError(`${setting} leads to ${describeUrl(url)}, which cannot be used: ${reasonOf(cause)}`, {
      cause,
    });
  }
}

function rejected(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
