import { createServer } from 'node:net';
import { inspect } from 'node:util';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/support/postgres.ts';
import { untilWaiting } from '../../../tests/support/postgres-locks.ts';
import { startPostgresServer } from '../../../tests/support/postgres-server.ts';
import { openPostgresStore, type TestStore } from '../../../tests/support/postgres-store.ts';
import { claimOne, finish, newRun, queue, start, tenant } from '../contract/fixture.contract.ts';
import type { Store } from '../port/index.ts';
import { clientConfig } from './connection.ts';

const unavailable = { name: 'ServiceError', code: 'store_unavailable', status: 503, retryable: true };

let database: TestDatabase;
let admin: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  admin = new pg.Client({ connectionString: database.url });
  await admin.connect();
});

afterAll(async () => {
  await admin.end();
  await database[Symbol.asyncDispose]();
});

const others = `pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`;
const cutOthers = () => admin.query(`select pg_terminate_backend(pid, 5000) from ${others}`);

/** Holds a session by a transaction while `work` is done. */
async function whileLocked(sessionId: string, work: () => Promise<void>): Promise<void> {
  await admin.query('begin');
  await admin.query('select from sessions where id = $1 for update', [sessionId]);
  try {
    await work();
  } finally {
    await admin.query('rollback');
  }
}

async function startError(url: string): Promise<Error> {
  return await openPostgresStore(url).then(
    async (store) => {
      await store[Symbol.asyncDispose]();
      throw new Error('the store started');
    },
    (error: Error) => error,
  );
}

describe('connections that are cut', () => {
  test('between operations are replaced, and the process goes on', async () => {
    await using store = await openPostgresStore(database.url);
    const runs = await Promise.all([1, 2, 3].map(() => start(store, { sessionId: null })));
    for (const run of runs) {
      await cutOthers();
      // The first try may still meet a connection whose end has not been heard of.
      const again = () => store.runs.get(tenant, run.id);
      expect(await again().catch(again).catch(again).catch(again)).toEqual(run);
    }
  });

  test('during operations refuse these with store_unavailable, and the next ones are done', async () => {
    await using store = await openPostgresStore(database.url);
    const holder = await start(store, { sessionId: 'cut' });
    const waiting = await queue(store, { sessionId: 'cut' });
    await whileLocked('cut', async () => {
      const operations = [
        store.runs.create(newRun({ sessionId: 'cut' }), 'wait', true),
        finish(store, holder),
        store.sessions.delete(tenant, 'cut'),
      ];
      const settled = Promise.allSettled(operations);
      await untilWaiting(admin, operations.length);
      await cutOthers();
      for (const outcome of await settled) expect(outcome).toMatchObject({ status: 'rejected', reason: unavailable });
    });
    expect(await store.runs.get(tenant, holder.id)).toEqual(holder);
    await finish(store, holder);
    expect((await claimOne(store)).id).toBe(waiting.id);
  });

  test('a statement that the database gives up is refused with store_unavailable', async () => {
    await using store = await openPostgresStore(database.url);
    await start(store, { sessionId: 'slow' });
    await whileLocked('slow', async () => {
      const created = store.runs.create(newRun({ sessionId: 'slow' }), 'wait', true);
      const outcome = expect(created).rejects.toMatchObject(unavailable);
      await untilWaiting(admin);
      await admin.query(`select pg_cancel_backend(pid) from ${others}`);
      await outcome;
    });
  });

  test('a store that must stop at once cuts off what waits', async () => {
    await using store = await openPostgresStore(database.url);
    await start(store, { sessionId: 'stuck' });
    await whileLocked('stuck', async () => {
      const created = store.runs.create(newRun({ sessionId: 'stuck' }), 'wait', true);
      const cut = { ...unavailable, cause: { message: 'Connection terminated' } };
      const outcome = expect(created).rejects.toMatchObject(cut);
      await untilWaiting(admin);
      await store.stop(AbortSignal.abort());
      await outcome;
    });
  });

  test('a server that is down makes every operation store_unavailable, and ends nothing else', async () => {
    const server = await startPostgresServer();
    try {
      await using store: TestStore = await openPostgresStore(server.url);
      await start(store, { sessionId: null });
      server.remove();
      const operations: ((store: Store) => Promise<unknown>)[] = [
        (each) => each.ping(AbortSignal.timeout(10_000)),
        (each) => each.runs.create(newRun(), 'wait', true),
        (each) => each.rateLimiter?.take('key', { intervalMs: 1, burst: 1 }) ?? Promise.resolve(),
      ];
      for (const operation of operations) await expect(operation(store)).rejects.toMatchObject(unavailable);
    } finally {
      server.remove();
    }
  });
});

test('an error about a row does not quote what a user wrote', async () => {
  await using store = await openPostgresStore(database.url);
  const broken = newRun({ sessionId: null, input: { text: 'private words' }, mode: 'nonsense' as 'blocking' });
  const error: unknown = await store.runs.create(broken, 'wait', true).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ message: expect.stringContaining('runs_mode_check') });
  expect(inspect(error, { depth: null, showHidden: true })).not.toContain('private words');
});

describe('a database that cannot be used at start', () => {
  const password = 'se%2Fcret-2fa';
  const secret = 'se/cret-2fa';

  const expectClear = (error: Error, ...parts: string[]) => {
    expect(error.name).toBe('StoreSetupError');
    for (const part of parts) expect(error.message).toContain(part);
    const everything = inspect(error, { depth: null, showHidden: true });
    for (const each of [password, secret]) expect(everything).not.toContain(each);
  };

  test('is named with its reason and without the password: no server listens', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    const error = await startError(`postgres://someone:${password}@127.0.0.1:${port}/mine`);
    expectClear(error, `database "mine" on 127.0.0.1:${port} as "someone"`, 'DATABASE_URL', 'ECONNREFUSED');
  });

  test('is named with its reason and without the password: wrong password', async () => {
    const url = new URL(database.url);
    url.password = password;
    expectClear(await startError(url.href), 'password authentication failed for user');
  });

  test('is named with its reason and without the password: no such database', async () => {
    const url = new URL(database.url);
    url.pathname = '/nowhere';
    expectClear(await startError(url.href), 'database "nowhere" does not exist');
  });

  test('is named with its reason: TLS is asked for and the server has none', async () => {
    const error = await startError(`${database.url}?sslmode=require`);
    expectClear(error, 'The server does not support SSL connections');
  });

  test('says which of the two addresses is wrong', async () => {
    const nowhere = new URL(database.url);
    nowhere.pathname = '/nowhere';
    const direct = openPostgresStore(database.url, { directUrl: nowhere.href });
    await expect(direct).rejects.toThrow(/^DATABASE_DIRECT_URL leads to database "nowhere"/);
    const pooled = openPostgresStore(nowhere.href, { directUrl: database.url });
    await expect(pooled).rejects.toThrow(/^DATABASE_URL leads to database "nowhere"/);
  });
});

describe('connection strings', () => {
  const parse = (parameters: string) => new pg.Client(clientConfig(`postgres://u:p@h/d${parameters}`));
  const sslOf = (parameters: string) => (parse(parameters) as unknown as { ssl: unknown }).ssl;

  test('sslmode means what it means to other clients of Postgres', () => {
    expect(sslOf('')).toEqual({ rejectUnauthorized: false }); // if the server can
    expect(sslOf('?sslmode=prefer')).toEqual({ rejectUnauthorized: false });
    expect(sslOf('?ssl=true')).toEqual({ rejectUnauthorized: false });
    expect(sslOf('?ssl=false')).toBe(false);
    expect(sslOf('?sslmode=disable')).toBe(false);
    expect(sslOf('?sslmode=require')).toEqual({ rejectUnauthorized: false });
    expect(sslOf('?application_name=a&sslmode=require')).toEqual({ rejectUnauthorized: false });
    expect(sslOf('?sslmode=verify-full')).toEqual({});
    expect(sslOf('?sslmode=no-verify')).toEqual({ rejectUnauthorized: false });
    expect(() => sslOf('?sslmode=verify-ca')).toThrow('sslrootcert');
  });

  test('other users of pg in the process still get 64-bit numbers as text', async () => {
    await using store = await openPostgresStore(database.url);
    expect((await start(store, { sessionId: null })).createdAtMs).toEqual(expect.any(Number));
    expect((await admin.query('select 1::bigint as n')).rows).toEqual([{ n: '1' }]);
  });

  test('connections carry the name of the service, and a limit on how long a statement may take', async () => {
    await using store = await openPostgresStore(database.url, { appName: 'my-agents' });
    await store.ping(AbortSignal.timeout(10_000));
    const { rows } = await admin.query(`select distinct application_name from ${others}`);
    expect(rows.map((row) => row.application_name).sort()).toEqual(['my-agents', 'my-agents signals']);
  });
});
