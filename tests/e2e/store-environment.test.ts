import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCommand } from '../support/command.ts';
import { type FakeProvider, startFakeProvider } from '../support/fake-provider.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { createProject } from '../support/project.ts';
import { runCli, startService } from '../support/service.ts';

const mainFile = `
  import { Agent } from '@openai/agents';
  import { serve } from 'agent-service';
  await serve({ agents: { helper: new Agent({ name: 'helper', instructions: 'You are a helper.' }) } });
`;
const queuedRuns = 12;

let provider: FakeProvider;

beforeAll(async () => {
  provider = await startFakeProvider();
});
afterAll(() => provider[Symbol.asyncDispose]());

/** Reads from a database, or changes it. */
async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<Record<string, unknown>>(text).finally(() => client.end());
  return rows;
}

const statuses = async (url: string) =>
  (await query(url, 'select status, count(*)::int as n from runs group by status')).map(
    ({ status, n }) => `${n} ${status}`,
  );

/** A database of production, with background runs that wait for a process that executes them. */
async function createProduction() {
  const database = await createTestDatabase();
  const env = { DATABASE_URL: database.url, APP_ENV: 'production', PROCESS_ROLE: 'api', AUTH_MODE: 'none' };
  await using service = await startService({ provider, env });
  for (let n = 0; n < queuedRuns; n += 1) {
    expect((await service.post('/api/v1/runs', { message: 'Hi' })).status).toBe(202);
  }
  return database;
}

/** A project whose `.env` names the database, as one on a developer's machine. */
const createHelper = (url: string, more: Record<string, string> = {}) =>
  createProject({ 'src/main.ts': mainFile, '.env': `DATABASE_URL=${url}\n`, ...more });

const databaseOf = (url: string) => new URL(url).pathname.slice(1);

describe('`dev` whose .env names the database of production', () => {
  test('ends its program with one sentence, and executes none of the runs that wait there', async () => {
    await using database = await createProduction();
    await using project = createHelper(database.url);
    await using dev = startCommand(['dev'], { cwd: project.folder, env: project.env });
    await dev.printed(/the program ended with code 1/);
    expect(dev.output()).toMatch(
      /^This process is of development \(APP_ENV\), and the store, database "\w+" on \S+ as "\w+", is of production: name another store by DATABASE_URL, or set STORE_ENV=production if it is meant\.\n/m,
    );
    expect(await statuses(database.url)).toEqual([`${queuedRuns} queued`]);
  });

  test('serves there with STORE_ENV=production, and its banner says whose store it is', async () => {
    await using database = await createProduction();
    await using project = createHelper(database.url);
    const env = { ...project.env, STORE_ENV: 'production' };
    await using dev = startCommand(['dev'], { cwd: project.folder, env });
    await dev.printed(
      new RegExp(`Store +database "${databaseOf(database.url)}" on .*\\(of production\\)\\n +Files +\\.env\\n`),
    );
    await dev.printed(/^ +curl /m);
  });

  test('of a version that gave stores no environment: is refused as well, unless STORE_ENV says that it is its own', async () => {
    await using database = await createProduction();
    await query(database.url, 'drop table store_environment; delete from schema_migrations where version >= 17');
    await using project = createHelper(database.url);
    const start = (STORE_ENV?: string) =>
      startCommand(['dev'], { cwd: project.folder, env: { ...project.env, ...(STORE_ENV ? { STORE_ENV } : {}) } });
    {
      await using dev = start();
      await dev.printed(/, holds runs and does not say of which environment: .* STORE_ENV=development if .*\.\n/);
      await dev.printed(/the program ended with code 1/);
    }
    expect(await statuses(database.url)).toEqual([`${queuedRuns} queued`]);
    expect(await query(database.url, `select to_regclass('store_environment') as made`)).toEqual([{ made: null }]);
    {
      await using dev = start('development');
      await dev.printed(/the store had no environment, and has that of this process now/);
      await dev.printed(/Store .*\(of development\)\n/);
    }
    await using dev = start();
    await dev.printed(/Store .*\(of development\)\n/);
  });

  test.each([
    ['API keys', ['keys', 'create', '--tenant', 't', '--scopes', 'run']],
    ['budgets', ['budgets', 'set', '--tenant', 'default', '--usd-day', '5']],
  ])('of which nobody has said whose it is, and which holds %s: is refused as well', async (holds, command) => {
    await using database = await createTestDatabase();
    expect(await runCli(command, { DATABASE_URL: database.url })).toMatchObject({ code: 0 });
    await using project = createHelper(database.url);
    await using dev = startCommand(['dev'], { cwd: project.folder, env: project.env });
    await dev.printed(new RegExp(`, holds ${holds} and does not say of which environment: `));
    await dev.printed(/the program ended with code 1/);
  });

  test('uses the local store where an empty DATABASE_URL of .env.development takes that of .env away', async () => {
    await using database = await createProduction();
    await using project = createHelper(database.url, { '.env.development': 'DATABASE_URL=\n' });
    await using dev = startCommand(['dev'], { cwd: project.folder, env: project.env });
    await dev.printed(/Store +the embedded store in .+\n +Files +\.env\.development, \.env\n/);
    expect(await statuses(database.url)).toEqual([`${queuedRuns} queued`]);
  });

  test('uses the database of .env.development instead, and keeps it over restarts', async () => {
    await using production = await createProduction();
    await using own = await createTestDatabase();
    await using project = createHelper(production.url, {
      '.env.development': `DATABASE_URL=${own.url}\nAPP_NAME=mine\n`,
    });
    await using dev = startCommand(['dev'], { cwd: project.folder, env: project.env });
    const store = new RegExp(
      `mine accepts requests \\(development\\)[^]*Store +database "${databaseOf(own.url)}" on .*\\(of development\\)\\n +Files +\\.env\\.development, \\.env\\n`,
    );
    await dev.printed(store);
    await dev.printed(/^ +curl /m);
    project.write('.env.development', `DATABASE_URL=${own.url}\nAPP_NAME=mine\nPRESTOP_DELAY=0\n`);
    await dev.printed(/\.env\.development has changed/);
    await dev.printed(store);
  });
});

describe('commands on the database of production from a shell of development', () => {
  test('doctor, and those that only read, are never refused', async () => {
    await using database = await createProduction();
    const env = { APP_ENV: 'development', DATABASE_URL: database.url };
    const { stdout } = await runCli(['doctor', '--json'], env);
    const findings = (JSON.parse(stdout) as { checks: { check: string; verdict: string }[] }).checks;
    expect(findings.find(({ check }) => check === 'schema')).toMatchObject({ verdict: 'ok' });
    expect(stdout).toContain('The store is of production, and APP_ENV is development: a start is refused.');
    for (const args of [
      ['keys', 'list'],
      ['budgets', 'list'],
      ['prune', '--dry-run'],
    ]) {
      expect(await runCli(args, env), args.join(' ')).toMatchObject({ code: 0 });
    }
  });

  test.each([
    [['keys', 'create', '--tenant', 't', '--scopes', 'run']],
    [['budgets', 'set', '--tenant', 't', '--usd-day', '5']],
    [['prune']],
    [['migrate']],
  ])('%j is refused, and does its work with STORE_ENV=production or without APP_ENV', async (args) => {
    await using database = await createProduction();
    const env = { APP_ENV: 'development', DATABASE_URL: database.url };
    expect(await runCli(args, env)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^This process is of development \(APP_ENV\), and .* is of production: .*\.\n$/),
    });
    expect(await runCli(args, { ...env, STORE_ENV: 'production' })).toMatchObject({ code: 0 });
    expect(await runCli(args, { DATABASE_URL: database.url })).toMatchObject({ code: 0 });
  });
});

describe('a store that development has begun', () => {
  test('refuses production before that executes anything, if it is a Postgres', async () => {
    await using database = await createTestDatabase();
    await using project = createProject({ 'src/main.ts': mainFile });
    const env = { ...project.env, DATABASE_URL: database.url };
    {
      await using dev = startCommand(['dev'], { cwd: project.folder, env });
      await dev.printed(/Store +database .+ \(of development\)\n/);
    }
    const production = { ...env, APP_ENV: 'production', OPENAI_API_KEY: 'sk-test' };
    const { code, stderr } = await runCli(['start'], production, project.folder);
    expect(code).toBe(1);
    expect(stderr).toContain('is of development: name another store by DATABASE_URL, or set STORE_ENV=development');
  });

  test('is free for a first start of production, if it is a folder', async () => {
    await using project = createProject({ 'src/main.ts': mainFile });
    {
      await using dev = startCommand(['dev'], { cwd: project.folder, env: project.env });
      await dev.printed(/Store +the embedded store in .+\n/);
    }
    const env = { ...project.env, APP_ENV: 'production', OPENAI_API_KEY: 'sk-test' };
    await using service = startCommand(['start'], { cwd: project.folder, env });
    expect((await service.printed(/"storeEnv":"(\w+)"/))[1]).toBe('production');
  });
});

test('the log of a start says which store it uses, whose it is, and which files of settings were read', async () => {
  await using database = await createTestDatabase();
  const env = { DATABASE_URL: database.url, WEB_CONCURRENCY: '2' };
  await using service = await startService({ provider, env });
  expect(await service.logged(({ msg }) => msg === 'accepting requests')).toMatchObject({
    storeAt: expect.stringContaining(`database "${databaseOf(database.url)}" on `),
    storeEnv: 'test',
    files: [],
  });
  await service.logged(({ msg }) => msg === 'the store had no environment, and has that of this process now');
  expect(JSON.stringify(service.logLines())).not.toContain(new URL(database.url).password || 'no password');
});

test('a file for one environment cannot name another one', async () => {
  const files = {
    'src/main.ts': mainFile,
    '.env': 'APP_ENV=test\n',
    '.env.test': 'APP_ENV=production\nLOG_LEVEL=loud\n',
  };
  await using project = createProject(files);
  const { stderr } = await runCli(['start'], project.env, project.folder);
  expect(stderr).toBe(
    'The settings have mistakes:\n  LOG_LEVEL: found "loud"; allowed: one of DEBUG, INFO, WARNING, WARN, ERROR, CRITICAL\n',
  );
});
