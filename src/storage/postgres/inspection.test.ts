import { createServer } from 'node:net';
import pg from 'pg';
import { expect, test } from 'vitest';
import { needProgram } from '../../../tests/support/installed-program.ts';
import { startPgBouncer } from '../../../tests/support/pgbouncer.ts';
import { createTestDatabase } from '../../../tests/support/postgres.ts';
import { startPostgresServer } from '../../../tests/support/postgres-server.ts';
import { openTcpRelay } from '../../../tests/support/tcp-relay.ts';
import { inspectPostgres } from './inspection.ts';
import { readMigrations } from './migrate.ts';

const alive = () => AbortSignal.timeout(25_000);
const known = readMigrations().at(-1)?.version;
const inspect = (url: string, directUrl = url) => inspectPostgres({ url, directUrl }, alive());

async function connect(url: string, name: string) {
  const client = new pg.Client({ connectionString: url, application_name: name });
  client.on('error', () => {}); // its server may go first
  await client.connect();
  return { [Symbol.asyncDispose]: () => client.end() };
}

async function change(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(sql);
  await client.end();
}

test('the inspection of a current database finds its facts, and changes nothing', async () => {
  await using database = await createTestDatabase();
  const facts = await inspect(database.url);
  expect(facts).toMatchObject({
    serverMajor: Number(facts.serverVersion.split('.')[0]),
    readOnly: false,
    mayCreate: true,
    encrypted: false,
    schema: { version: known, known, tooNew: false },
    pooling: 'none',
    directPooling: 'none',
    connections: { roleLimit: null, databaseLimit: null },
  });
  expect(facts.latencyMs).toBeGreaterThan(0);
  expect(facts.connections.usable).toBeGreaterThan(50);
  expect(Math.abs(facts.clock.aheadMs)).toBeLessThanOrEqual(facts.clock.uncertainMs + 5); // the same machine's
});

test('an empty database has no schema, and the inspection creates none', async () => {
  await using database = await createTestDatabase('empty');
  for (let time = 0; time < 2; time += 1) {
    expect((await inspect(database.url)).schema).toEqual({ version: null, known, tooNew: false });
  }
});

test('a schema of a newer version is reported as such', async () => {
  await using database = await createTestDatabase();
  await change(database.url, "insert into schema_migrations (version, name, applied_at_ms) values (9999, 'later', 0)");
  expect((await inspect(database.url)).schema).toEqual({ version: 9999, known, tooNew: true });
  await change(database.url, `update schema_migrations set works_from = ${known} where version = 9999`);
  expect((await inspect(database.url)).schema).toEqual({ version: 9999, known, tooNew: false });
  await change(database.url, 'alter table schema_migrations drop column works_from'); // as older versions made it
  expect((await inspect(database.url)).schema).toEqual({ version: 9999, known, tooNew: true });
});

test('a database that may only be read, and limits of its own, are found', async () => {
  await using database = await createTestDatabase();
  const name = new URL(database.url).pathname.slice(1);
  await change(database.url, `alter database ${name} set default_transaction_read_only = on`);
  await change(database.url, `begin read write; alter database ${name} connection limit 7; commit`);
  expect(await inspect(database.url)).toMatchObject({ readOnly: true, connections: { databaseLimit: 7 } });
});

test('connections of others count, those of the service itself do not', async () => {
  const server = await startPostgresServer(); // one that nobody else connects to meanwhile
  try {
    await using _own = await connect(server.url, 'agent-service');
    await using _other = await connect(server.url, 'somebody');
    await using _another = await connect(server.url, '');
    expect((await inspect(server.url)).connections).toEqual({
      usable: 297, // 300, of which three are for superusers
      roleLimit: null,
      databaseLimit: null,
      others: 2,
    });
  } finally {
    server.remove();
  }
});

test('a database that does not exist, or a server that is not there, is named by its setting, without the password', async () => {
  await using database = await createTestDatabase('empty');
  const missing = database.url.replace(/\/[^/]+$/, '/not_there');
  await expect(inspect(missing)).rejects.toThrow(
    /^DATABASE_URL leads to database "not_there" .* does not exist; create it with createdb, or name another one$/,
  );
  await expect(inspect(database.url, 'postgres://me:secret@127.0.0.1:1/app')).rejects.toThrow(
    /^DATABASE_DIRECT_URL leads to database "app" on 127\.0\.0\.1:1 as "me", which cannot be used: connect ECONNREFUSED/,
  );
});

test('a server that accepts and never answers is left at the abort', async () => {
  const silent = createServer().listen(0, '127.0.0.1');
  try {
    await new Promise((resolve) => silent.once('listening', resolve));
    const { port } = silent.address() as { port: number };
    const deadline = new AbortController();
    silent.once('connection', () => deadline.abort());
    const url = `postgres://me:secret@127.0.0.1:${port}/app`;
    await expect(inspectPostgres({ url, directUrl: url }, deadline.signal)).rejects.toThrow(/cannot be used/);
  } finally {
    silent.close();
  }
});

test('what merely passes bytes on is no pooler', async () => {
  await using database = await createTestDatabase();
  await using relay = await openTcpRelay(database.url);
  expect(await inspect(relay.url)).toMatchObject({ pooling: 'none', directPooling: 'none' });
});

test.for([
  ['session', 'sessions'],
  ['transaction', 'transactions'],
] as const)('PgBouncer in its %s mode is found, and so is the way around it', async ([mode, pooling], context) => {
  const program = needProgram(context, 'pgbouncer', 'on Debian and Ubuntu: apt-get install pgbouncer');
  await using database = await createTestDatabase();
  await using pooler = await startPgBouncer(program, database.url, mode);
  expect(await inspect(pooler.url)).toMatchObject({ pooling, directPooling: pooling });
  expect(await inspect(pooler.url, database.url)).toMatchObject({ pooling, directPooling: 'none' });
});
