import { execFileSync, spawnSync } from 'node:child_process';
import { chownSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PostgresServer, startPostgresServer } from '../../../tests/support/postgres-server.ts';
import { clientClassOf, newClient } from './client.ts';
import { clientConfig } from './connection.ts';

const hasProgram = (name: string) => spawnSync(name, ['--version']).error === undefined;
const hasPsql = hasProgram('psql');

let plain: PostgresServer;
let encrypted: PostgresServer;
let folder: string;

async function change(url: string, ...statements: string[]): Promise<Record<string, string>> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  let row: Record<string, string> = {};
  for (const text of statements) row = (await client.query<Record<string, string>>(text)).rows[0] ?? {};
  await client.end();
  return row;
}

/** Makes a certificate for `localhost`, with which it is an authority of its own, and has the server use it. */
async function encrypt(server: PostgresServer): Promise<void> {
  const [key, cert] = [join(folder, 'server.key'), join(folder, 'server.crt')];
  const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '9', '-keyout', key, '-out', cert, ...name],
    {
      stdio: 'ignore',
    },
  );
  const { data_directory: data = '' } = await change(server.url, 'show data_directory');
  const owner = statSync(data);
  for (const file of ['server.key', 'server.crt']) {
    writeFileSync(join(data, file), readFileSync(join(folder, file)), { mode: 0o600 });
    chownSync(join(data, file), owner.uid, owner.gid);
  }
  // Cleartext passwords are what the server begins with, and they bind to no channel.
  writeFileSync(join(data, 'pg_hba.conf'), 'host all all all scram-sha-256\n');
  await setTls(server, 'on');
}

/** Restarts a server, with TLS or without. */
async function setTls(server: PostgresServer, value: 'on' | 'off'): Promise<void> {
  await change(server.url, `alter system set ssl = ${value}`);
  await server.stop('fast');
  await server.start();
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tls-'));
  [plain, encrypted] = await Promise.all([startPostgresServer(), startPostgresServer()]);
  if (hasProgram('openssl')) await encrypt(encrypted);
});
afterAll(() => {
  plain.remove();
  encrypted.remove();
  rmSync(folder, { recursive: true });
});

/** Whether a connection is encrypted, or the reason why there is none. */
async function outcome(url: string): Promise<boolean | string> {
  let client: pg.Client | undefined;
  try {
    client = newClient(url, {});
    client.on('error', () => {});
    await client.connect();
    const { rows } = await client.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()');
    return rows[0]?.ssl as boolean;
  } catch (error) {
    return (error as Error).message;
  } finally {
    await client?.end().catch(() => {});
  }
}

/** The same by psql. */
function outcomeOfPsql(url: string): boolean | string {
  const text = 'select ssl from pg_stat_ssl where pid = pg_backend_pid()';
  const { status, stdout, stderr } = spawnSync('psql', [url, '-XAtc', text], {
    env: { PATH: process.env.PATH },
    encoding: 'utf8',
  });
  return status === 0 ? stdout.trim() === 't' : stderr;
}

const urlOf = ({ url }: PostgresServer, host: string, parameters: string) =>
  `${url.replace('127.0.0.1', host)}${parameters.replaceAll('FOLDER', folder)}`;

// Without openssl there are no certificates to test with.
describe.skipIf(!hasProgram('openssl'))('sslmode does what it does for psql', () => {
  const cases: [server: 'plain' | 'encrypted', host: string, parameters: string, outcome: boolean | RegExp][] = [
    ['plain', 'localhost', '', false],
    ['plain', 'localhost', '?sslmode=prefer', false],
    ['plain', 'localhost', '?sslmode=disable', false],
    ['plain', 'localhost', '?sslmode=require', /does not support SSL/],
    ['plain', 'localhost', '?sslmode=require&channel_binding=require', /does not support SSL/],
    ['plain', 'localhost', '?channel_binding=require', /channel.binding is required/],
    ['encrypted', 'localhost', '', true],
    ['encrypted', 'localhost', '?sslmode=prefer', true],
    ['encrypted', 'localhost', '?sslmode=disable', false],
    ['encrypted', 'localhost', '?sslmode=require', true],
    ['encrypted', 'localhost', '?ssl=true', true],
    ['encrypted', 'localhost', '?sslmode=require&channel_binding=require', true],
    ['encrypted', 'localhost', '?sslmode=verify-full&sslrootcert=FOLDER/server.crt', true],
    ['encrypted', '127.0.0.1', '?sslmode=verify-ca&sslrootcert=FOLDER/server.crt', true],
    ['encrypted', '127.0.0.1', '?sslmode=require&sslrootcert=FOLDER/server.crt', true],
    ['encrypted', '127.0.0.1', '?sslmode=verify-full&sslrootcert=FOLDER/server.crt', /does not match/i],
    ['encrypted', 'localhost', '?sslmode=verify-full', /self.signed certificate|root certificate file/i],
    ['encrypted', 'localhost', '?sslmode=verify-ca&sslrootcert=FOLDER/none.crt', /none\.crt/],
    ['encrypted', 'localhost', '?sslmode=require&sslcert=FOLDER/server.crt&sslkey=FOLDER/none.key', /none\.key/],
    ['encrypted', 'localhost', '?sslmode=require&ssl_min_protocol_version=TLSv1.3', true],
  ];

  test.each(cases)('%s server, %s%s', async (server, host, parameters, expected) => {
    const url = urlOf(server === 'plain' ? plain : encrypted, host, parameters);
    const found = await outcome(url);
    if (expected instanceof RegExp) expect(found).toMatch(expected);
    else expect(found).toBe(expected);
    if (hasPsql) expect(typeof outcomeOfPsql(url)).toBe(typeof found);
    if (hasPsql && typeof found === 'boolean') expect(outcomeOfPsql(url)).toBe(found);
  });

  test('a server that ceases to encrypt is used without, from the second connection on', async () => {
    const url = urlOf(encrypted, 'localhost', '');
    const Client = clientClassOf(url);
    const connect = async () => {
      const client = new Client(clientConfig(url));
      client.on('error', () => {});
      await client.connect().finally(() => client.end().catch(() => {}));
      return client.ssl;
    };
    expect(await connect()).toBeTruthy();
    await setTls(encrypted, 'off');
    await expect(connect()).rejects.toThrow('The server does not support SSL connections');
    expect(await connect()).toBe(false);
  });
});

test('a server that asks for a password that nobody has given ends in a sentence', async () => {
  const { port } = new URL(plain.url);
  const message = await outcome(`postgres://postgres@127.0.0.1:${port}/postgres?passfile=${folder}/none`);
  expect(message).toBe(`the server asks for a password, and the URL has none, nor is there a file ${folder}/none`);
});

test('a password is taken from the file that passfile names', async () => {
  const { password, port } = new URL(plain.url);
  const file = join(folder, 'pass');
  writeFileSync(file, `127.0.0.1:${port}:*:postgres:${password}\n`, { mode: 0o600 });
  expect(await outcome(`postgres://postgres@127.0.0.1:${port}/postgres?passfile=${file}`)).toBe(false);
});

test('parameters of a session reach the server', async () => {
  const url = `${plain.url}?application_name=mine&options=-csearch_path%3Dpg_catalog%20-ctimezone%3DUTC&connect_timeout=7&keepalives=1&keepalives_idle=30`;
  const client = newClient(url, { application_name: 'other' });
  await client.connect();
  const { rows } = await client.query(
    `select current_setting('application_name') as name, current_setting('search_path') as path, current_setting('timezone') as zone`,
  );
  await client.end();
  expect(rows).toEqual([{ name: 'mine', path: 'pg_catalog', zone: 'UTC' }]);
});
