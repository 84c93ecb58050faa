import pg from 'pg';
import { expect, inject, test } from 'vitest';
import { createTestDatabase } from './postgres.ts';

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  return await work(client).finally(() => client.end());
}

const versions = (client: pg.Client) => client.query('select * from schema_migrations');
const databases = (name: string) =>
  withClient(inject('postgresAdminUrl'), (admin) =>
    admin.query('select from pg_database where datname = $1', [name]).then(({ rowCount }) => rowCount),
  );

test('databases made at the same time have the schema and do not share rows', async () => {
  const [one, two, three] = await Promise.all([createTestDatabase(), createTestDatabase(), createTestDatabase()]);
  await using first = one;
  await using second = two;
  await using third = three;
  expect(new Set([first.url, second.url, third.url]).size).toBe(3);
  await withClient(first.url, (client) =>
    client.query(`insert into tenants (id, name, created_at_ms) values ('only-here', '', 0)`),
  );
  for (const { url } of [second, third]) {
    await withClient(url, async (client) => {
      expect((await versions(client)).rowCount).toBeGreaterThan(0);
      expect((await client.query(`select from tenants where id = 'only-here'`)).rowCount).toBe(0);
    });
  }
});

test('a database is dropped with its file, even while a client is still connected', async () => {
  const database = await createTestDatabase();
  const name = new URL(database.url).pathname.slice(1);
  await withClient(database.url, async (client) => {
    await client.query('select 1');
    expect(await databases(name)).toBe(1);
    await database[Symbol.asyncDispose]();
    expect(await databases(name)).toBe(0);
  });
});
