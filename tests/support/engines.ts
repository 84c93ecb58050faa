import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import { databaseFile } from '../../src/storage/sqlite/index.ts';
import { waitMsMax } from './limits.ts';
import { createTestDatabase } from './postgres.ts';

/** A store for one test file, as the environment of the services that share it. */
export type EngineUnderTest = {
  env: Record<string, string>;
  /** Changes the store past the services; `dataDir` is the folder of the embedded one. */
  change(dataDir: string, sql: string): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

function changeSqlite(dataDir: string, sql: string): void {
  const database = new DatabaseSync(join(dataDir, databaseFile), { timeout: waitMsMax });
  try {
    database.exec(sql);
  } finally {
    database.close();
  }
}

async function changePostgres(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

/** The engines of the store; a client must see no difference between them. */
export const engines: { name: 'sqlite' | 'postgres'; open(): Promise<EngineUnderTest> }[] = [
  {
    name: 'sqlite',
    open: async () => ({
      env: {},
      change: async (dataDir, sql) => changeSqlite(dataDir, sql),
      [Symbol.asyncDispose]: async () => {},
    }),
  },
  {
    name: 'postgres',
    async open() {
      const database = await createTestDatabase();
      return {
        env: { DATABASE_URL: database.url },
        change: (_, sql) => changePostgres(database.url, sql),
        [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
      };
    },
  },
];
