import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import pg from 'pg';
import type { Store } from '../../../src/storage/port/index.ts';
import type * as sqlite from '../../../src/storage/sqlite/index.ts';
import { waitMsMax } from '../../support/limits.ts';
import { createTestDatabase } from '../../support/postgres.ts';
import { openPostgresStore } from '../../support/postgres-store.ts';
import type { StoreAddress } from './read-store.ts';

/** A write whose fence is taken out: it does not look at the attempt any more. `none`: all are as they should be. */
export type Unfenced = 'none' | 'append' | 'finish';

/** A started store of one's own, and where it is. */
export type StoreUnderTest = AsyncDisposable & { store: Store; address: StoreAddress };

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Replaces every occurrence, of which there must be one. */
function without(text: string, fence: string, instead: string): string {
  if (!text.includes(fence)) throw new Error(`there is no "${fence}" to take out`);
  return text.replaceAll(fence, instead);
}

/** The conditions of src/storage/sqlite/fencing.ts, as the build has them: the first one fences `append`, the second `finish`. */
const sqliteFenceFile = 'dist/storage/sqlite/fencing.js';
const sqliteFences = { append: "attempt = ? and status = 'running'", finish: 'attempt = ?\n    and (status in' };

/** The embedded store of a copy of the built package, from whose SQL the fence is taken out. */
async function openSqlite(unfenced: Unfenced): Promise<StoreUnderTest> {
  const folder = mkdtempSync(join(tmpdir(), 'agent-service-unfenced-'));
  cpSync(join(root, 'dist'), join(folder, 'dist'), { recursive: true });
  cpSync(join(root, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  if (unfenced !== 'none') {
    const fence = sqliteFences[unfenced];
    const path = join(folder, sqliteFenceFile);
    writeFileSync(path, without(readFileSync(path, 'utf8'), fence, fence.replace('= ?', '<> -?')));
  }
  const entry = pathToFileURL(join(folder, 'dist/storage/sqlite/index.js')).href;
  const { createSqliteStore } = (await import(/* @vite-ignore */ entry)) as typeof sqlite;
  const dataDir = join(folder, 'data');
  const store = createSqliteStore({ dataDir, sync: 'normal', executes: true });
  await store.start();
  return {
    store,
    address: { dataDir },
    async [Symbol.asyncDispose]() {
      await store.stop(AbortSignal.timeout(waitMsMax));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const postgresFences = {
  append: { name: 'append_journal', fence: 'and runs.attempt = asked.attempt ' },
  finish: { name: 'finish_run', fence: 'and attempt = p_attempt' },
};

/** A database in which the function that holds the fence is replaced by one without it. */
async function openPostgres(unfenced: Unfenced): Promise<StoreUnderTest> {
  const database = await createTestDatabase();
  if (unfenced !== 'none') {
    const { name, fence } = postgresFences[unfenced];
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    const { rows } = await client.query(
      'select pg_get_functiondef(oid) as definition from pg_proc where proname = $1',
      [name],
    );
    await client.query(without(rows[0].definition, fence, ''));
    await client.end();
  }
  const store = await openPostgresStore(database.url);
  return {
    store,
    address: { databaseUrl: database.url },
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

/** Opens a store of an engine with a fence taken out. */
export const openUnfenced = (engine: 'sqlite' | 'postgres', unfenced: Unfenced): Promise<StoreUnderTest> =>
  engine === 'sqlite' ? openSqlite(unfenced) : openPostgres(unfenced);
