import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { waitMsMax } from '../../../tests/support/limits.ts';
import { type PostgresServer, startPostgresServer } from '../../../tests/support/postgres-server.ts';
import { openPostgresStore } from '../../../tests/support/postgres-store.ts';
import { newRun, tenant } from '../contract/fixture.contract.ts';
import { describeUrl } from './connection.ts';

let servers: [PostgresServer, PostgresServer];
const credentials = 'desk:se%2Fcret';

beforeAll(async () => {
  servers = await Promise.all([startPostgresServer(), startPostgresServer()]);
  for (const { url } of servers) {
    await change(url, `create role desk login superuser password 'se/cret'`);
    await change(url, 'create database desk owner desk');
  }
});

afterAll(() => {
  for (const server of servers) server.remove();
});

async function change(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(sql);
  await client.end();
}

const portOf = ({ url }: PostgresServer) => new URL(url).port;
const setReadOnly = async ({ url }: PostgresServer, value: 'on' | 'off') => {
  await change(url, `alter system set default_transaction_read_only = ${value}`);
  await change(url, 'select pg_reload_conf()');
  await change(url, `select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'desk'`);
};

/** A port of this machine on which nothing listens. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('a list of hosts', () => {
  test('the first that answers is used, by all connections of the store', async () => {
    const [first] = servers;
    const url = `postgres://${credentials}@127.0.0.1:${await closedPort()},127.0.0.1:${portOf(first)}/desk`;
    await using store = await openPostgresStore(url);
    const run = newRun({ sessionId: null });
    await store.runs.create(run, 'wait', true);
    expect(await store.runs.get(tenant, run.id)).toMatchObject({ id: run.id });
  });

  test('one that can only be read is passed over, and the store follows when the roles change', async () => {
    const [first, second] = servers;
    await setReadOnly(first, 'on');
    const url = `postgres://${credentials}@127.0.0.1:${portOf(first)},127.0.0.1:${portOf(second)}/desk?target_session_attrs=read-write`;
    await using store = await openPostgresStore(url);
    const before = newRun({ sessionId: null });
    await store.runs.create(before, 'wait', true);
    await setReadOnly(second, 'on');
    await setReadOnly(first, 'off');
    const after = newRun({ sessionId: null });
    // Connections of before may be handed out once more.
    const isCreated = () =>
      store.runs.create(after, 'wait', true).then(
        () => true,
        () => false,
      );
    await expect.poll(isCreated, { timeout: waitMsMax }).toBe(true);
    expect(await store.runs.get(tenant, after.id)).toMatchObject({ id: after.id });
    expect(await store.runs.get(tenant, before.id)).toBeNull(); // it is on the other server
    await setReadOnly(second, 'off');
  });

  test('of which none can be used ends the start in one sentence that names each with its reason', async () => {
    const ports = [await closedPort(), await closedPort()];
    const url = `postgres://${credentials}@127.0.0.1:${ports[0]},127.0.0.1:${ports[1]}/desk`;
    const error: Error = await openPostgresStore(url).then(
      () => new Error('it started'),
      (thrown: Error) => thrown,
    );
    expect(error.message).toContain(`database "desk" on 127.0.0.1:${ports[0]}, 127.0.0.1:${ports[1]} as "desk"`);
    for (const port of ports) expect(error.message).toContain(`127.0.0.1:${port}: connect ECONNREFUSED`);
    expect(error.message).not.toMatch(/cret|\n/);
  });

  test('a wrong password is not tried on the next host', async () => {
    const [first, second] = servers;
    const url = `postgres://desk:wrong@127.0.0.1:${portOf(first)},127.0.0.1:${portOf(second)}/desk`;
    await expect(openPostgresStore(url)).rejects.toThrow(/password authentication failed/);
  });
});

test('a socket is used in each of the forms in which clouds write it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'agent-service-socket-'));
  const relay = createServer((client) => {
    const server = connect(Number(portOf(servers[0])), '127.0.0.1');
    for (const socket of [client, server]) socket.on('error', () => {});
    client.pipe(server).pipe(client);
  });
  await new Promise<void>((resolve) => relay.listen(join(folder, '.s.PGSQL.5432'), resolve));
  try {
    const forms = [
      `postgres://${credentials}@/desk?host=${folder}`,
      `postgres://${credentials}@${encodeURIComponent(folder)}/desk`,
      `postgres://${credentials}@localhost/desk?host=${folder}`,
      `postgresql:///desk?host=${folder}&user=desk&password=se/cret`,
    ];
    for (const url of forms) {
      await using store = await openPostgresStore(url);
      await store.ping(AbortSignal.timeout(10_000));
      expect(describeUrl(url)).toBe(`database "desk" on the socket ${folder}/.s.PGSQL.5432 as "desk"`);
    }
  } finally {
    relay.close();
    rmSync(folder, { recursive: true });
  }
});
