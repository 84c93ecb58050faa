import type { Logger } from '../platform/logger.ts';
import type { Settings } from '../platform/settings/settings.ts';
import type { Store } from '../storage/port/index.ts';
import { createPostgresStore } from '../storage/postgres/index.ts';
import { createSqliteStore } from '../storage/sqlite/index.ts';

/**
 * Creates the store of the settings: Postgres if there is a `DATABASE_URL`, else the embedded one.
 *
 * @param options.executes whether this process executes runs; on the embedded store only one process may do so
 */
export function createStore({ store }: Settings, log: Logger, { executes }: { executes: boolean }): Store {
  const { databaseUrl: url, databaseDirectUrl: directUrl, poolMax, dataDir, sync } = store;
  if (url === undefined) return createSqliteStore({ dataDir, sync, executes, log });
  return createPostgresStore({ url, directUrl: directUrl ?? url, poolMax, log });
}
