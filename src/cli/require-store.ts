import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Settings } from '../platform/settings/settings.ts';
import { StartError } from '../platform/start-error.ts';
import { databaseFile } from '../storage/sqlite/index.ts';

/** Requires a store that exists. @throws {StartError} if opening the store would create a new, empty embedded one */
export function requireStore({ store: { databaseUrl, dataDir } }: Pick<Settings, 'store'>): void {
  if (databaseUrl !== undefined || existsSync(join(dataDir, databaseFile))) return;
  throw new StartError(`There is no embedded store in DATA_DIR ${dataDir}, and no DATABASE_URL is set.`);
}
