import { createLogger } from '../../src/platform/logger.ts';
import type { Store } from '../../src/storage/port/index.ts';
import { createPostgresStore, type PostgresStoreOptions } from '../../src/storage/postgres/index.ts';
import { waitMsMax } from './limits.ts';

/** A logger without output. */
export const silent = createLogger({ level: 'CRITICAL', appName: 'test', readable: false });

/** A store that is stopped at the end of its block. */
export type TestStore = Store & AsyncDisposable;

/** A started store on the Postgres database at `url`. */
export async function openPostgresStore(
  url: string,
  overrides: Partial<PostgresStoreOptions> = {},
): Promise<TestStore> {
  const store = createPostgresStore({ url, directUrl: url, poolMax: 10, log: silent, ...overrides });
  await store.start();
  return { ...store, [Symbol.asyncDispose]: () => store.stop(AbortSignal.timeout(waitMsMax)) };
}
