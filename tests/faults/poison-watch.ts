import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import { databaseFile } from '../../src/storage/sqlite/index.ts';
import type { StoreAddress } from './checker.ts';

// A run that is running may have lost its process already, which is not counted yet.
const selectEndangered = `
  select count(*) as endangered from runs
  where finished_at_ms is null and crashes_without_step + case when status = 'running' then 1 else 0 end >= 2
    and (select count(*) from steps where run_id = runs.id and steps.status = 'completed') <= steps_at_crash`;

/**
 * Looks whether the next crash could be the third of a run without a new step between. Then the service would end the
 * run, rightly, as one that kills processes; tests that kill without a reason must let it get a step further first.
 */
export type PoisonWatch = AsyncDisposable & { any(): Promise<boolean> };

/** Looks at a store past the service, which must have been started on it before. */
export async function watchPoisoned(address: StoreAddress): Promise<PoisonWatch> {
  if ('dataDir' in address) {
    const count = () => {
      using database = new DatabaseSync(join(address.dataDir, databaseFile), { readOnly: true });
      return database.prepare(selectEndangered).get() as { endangered: number };
    };
    return { any: async () => count().endangered > 0, [Symbol.asyncDispose]: async () => {} };
  }
  const client = new pg.Client({ connectionString: address.databaseUrl });
  await client.connect();
  return {
    any: async () => Number((await client.query(selectEndangered)).rows[0].endangered) > 0,
    [Symbol.asyncDispose]: () => client.end(),
  };
}
