import type { Logger } from '../platform/logger.ts';
import type { Settings } from '../platform/settings/settings.ts';
import type { Store } from '../storage/port/index.ts';
import { createPostgresStore } from '../storage/postgres/index.ts';
import { createSqliteStore } from '../storage/sqlite/index.ts';

/** What a process does with the store. */
export type StoreUse =
  /** It executes runs; on the embedded store only one process may do so. A store without an environment gets that of it. */
  | { type: 'serves' }
  /** It changes the store, in the environment that `APP_ENV` was given as; null where it was not given. */
  | { type: 'writes'; appEnv: string | null }
  /** It only reads, which is allowed in every environment. */
  | { type: 'reads' };

/** Creates the store of the settings: Postgres if there is a `DATABASE_URL`, else the embedded one. */
export function createStore({ store, appEnv }: Settings, log: Logger, use: StoreUse): Store {
  const {
    databaseUrl: url,
    databaseDirectUrl: directUrl,
    poolMax,
    dataDir,
    sync,
    environment: storeEnv = null,
  } = store;
  const executes = use.type === 'serves';
  const given = use.type === 'writes' ? use.appEnv : appEnv;
  const opening = use.type === 'reads' ? undefined : { appEnv: given, storeEnv, stamps: executes };
  if (url === undefined) return createSqliteStore({ dataDir, sync, executes, opening, log });
  return createPostgresStore({ url, directUrl: directUrl ?? url, poolMax, opening, log });
}
