import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createTestDatabase } from '../support/postgres.ts';
import { createProject } from '../support/project.ts';
import { runCli, startService } from '../support/service.ts';

const commands = ['dev', 'start', 'migrate', 'prune', 'doctor', 'keys'];
const keysCommands = ['create', 'list', 'revoke'];
const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

const mainFile = `
  import { Agent } from '@openai/agents';
  import { serve } from 'agent-service';
  await serve({ agents: { helper: new Agent({ name: 'helper', instructions: 'You are a helper.' }) } });
`;

/** Runs `start` in a project of its own until it ends, which it does only where the start fails. */
async function startAndFail(env: Record<string, string>, files: Record<string, string> = {}) {
  await using project = createProject({ 'src/main.ts': mainFile, ...files });
  return await runCli(['start'], { ...project.env, ...env }, project.folder);
}

describe('help', () => {
  test('of the program lists its commands', async () => {
    const { code, stdout } = await runCli(['--help']);
    expect(code).toBe(0);
    for (const command of commands) expect(stdout).toMatch(new RegExp(`^ +${command} `, 'm'));
  });

  test.each(commands)('of `%s` says what it does', async (command) => {
    const { code, stdout, stderr } = await runCli([command, '--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`Usage: agent-service ${command}`);
    for (const hidden of ['--report-modules', '--look']) expect(stdout).not.toContain(hidden); // between processes
  });

  test.each(keysCommands)('of `keys %s` says what it does', async (command) => {
    const { code, stdout, stderr } = await runCli(['keys', command, '--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`Usage: agent-service keys ${command}`);
  });

  test('of `keys` is printed without a command', async () => {
    const { code, stderr } = await runCli(['keys']);
    expect(code).toBe(1);
    for (const command of keysCommands) expect(stderr).toMatch(new RegExp(`^ +${command} `, 'm'));
  });

  test.each(['dev', 'start'])('of `%s` names the program that is served by default, once', async (command) => {
    const { stdout } = await runCli([command, '--help']);
    expect(stdout.match(/src\/main\.ts/g)).toHaveLength(1);
  });

  test('is printed without a command', async () => {
    const { code, stderr } = await runCli([]);
    expect(code).toBe(1);
    expect(stderr).toContain('Usage: agent-service [options] [command]');
  });
});

test.each([[], ...commands.map((command) => [command])])(
  '--version after %j is that of the package',
  async (...args) => {
    expect(await runCli([...args, '--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  },
);

describe('a mistake on the command line is named, with the way to help, and ends it with 1', () => {
  test.each([
    { args: ['stop'], message: "error: unknown command 'stop'" },
    { args: ['star'], message: "error: unknown command 'star'\n(Did you mean start?)" },
    { args: ['--verbose'], message: "error: unknown option '--verbose'" },
    { args: ['dev', '--port=1'], message: "error: unknown option '--port=1'" },
    { args: ['start', '--port=1'], message: "error: unknown option '--port=1'" },
    { args: ['migrate', '--force'], message: "error: unknown option '--force'" },
    { args: ['prune', '--all'], message: "error: unknown option '--all'" },
    { args: ['prune', '--older-than'], message: "error: option '--older-than <duration>' argument missing" },
    {
      args: ['prune', '--older-than', 'soon'],
      message:
        'error: option \'--older-than <duration>\' argument \'soon\' is invalid. Expected a duration such as "30 days", "12h", or a number of seconds.',
    },
    { args: ['keys', 'make'], message: "error: unknown command 'make'" },
    { args: ['keys', 'create', '--tenant', 'a'], message: "error: required option '--scopes <list>' not specified" },
    {
      args: ['keys', 'create', '--rpm', 'many'],
      message: "error: option '--rpm <count>' argument 'many' is invalid. Expected a number such as 60 or 2.5.",
    },
    {
      args: ['keys', 'create', '--expires', 'soon'],
      message: "error: option '--expires <duration>' argument 'soon' is invalid. Expected a duration",
    },
    { args: ['keys', 'revoke'], message: "error: missing required argument 'id'" },
    { args: ['start', 'a.ts', 'b.ts'], message: "error: too many arguments for 'start'." },
    { args: ['migrate', 'a.ts'], message: "error: too many arguments for 'migrate'." },
  ])('$args', async ({ args, message }) => {
    const { code, stdout, stderr } = await runCli(args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).toContain('(agent-service --help tells more)');
  });

  test.each([
    { command: 'start', file: 'src/missing.ts' },
    { command: 'dev', file: 'src/missing.ts' },
    { command: 'start', file: 'src' },
  ])('$command $file', async ({ command, file }) => {
    expect(await runCli([command, file])).toEqual({
      code: 1,
      stdout: '',
      stderr: `There is no file ${file}. Name the program that calls serve(), such as: agent-service start src/main.ts\n`,
    });
  });
});

test('a program that never calls serve() ends with a message that says so', async () => {
  const { code, stderr } = await startAndFail({ APP_ENV: 'test' }, { 'src/main.ts': 'export {};' });
  expect(code).toBe(1);
  expect(stderr).toBe('src/main.ts ended without serving. Does it call "await serve({ agents: { … } })"?\n');
});

describe('migrate', () => {
  test('makes the embedded store, and finds nothing left to do the second time', async () => {
    await using project = createProject({});
    const first = await runCli(['migrate'], project.env, project.folder);
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout).toContain('"msg":"migration applied"');
    const second = await runCli(['migrate'], project.env, project.folder);
    expect(second).toMatchObject({ code: 0, stderr: '' });
    expect(second.stdout).not.toContain('migration applied');
    expect(second.stdout).toContain('"msg":"the schema is up to date"');
  });

  test('may run while a service uses the same folder', async () => {
    await using service = await startService();
    const { code, stdout } = await runCli(['migrate'], { DATA_DIR: service.dataDir });
    expect(code).toBe(0);
    expect(stdout).toContain('the schema is up to date');
    expect((await service.post('/api/v1/run', { message: 'Hi', session_id: 's' })).status).toBe(200);
  });

  test('makes the tables in Postgres, so that a service finds nothing left to do', async () => {
    await using database = await createTestDatabase('empty');
    const first = await runCli(['migrate'], { DATABASE_URL: database.url });
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout).toContain('"msg":"migration applied"');
    const second = await runCli(['migrate'], { DATABASE_URL: database.url });
    expect(second).toMatchObject({ code: 0, stderr: '' });
    expect(second.stdout).not.toContain('migration applied');
    await using service = await startService({ env: { DATABASE_URL: database.url } });
    expect((await service.post('/api/v1/run', { message: 'Hi' })).status).toBe(200);
    expect(service.logLines().some(({ msg }) => msg === 'migration applied')).toBe(false);
  });

  test('needs no key for the provider', async () => {
    await using project = createProject({});
    const { code } = await runCli(['migrate'], { ...project.env, APP_ENV: 'production' }, project.folder);
    expect(code).toBe(0);
  });

  test('names mistakes in the settings and ends with 1', async () => {
    const { code, stderr } = await runCli(['migrate'], { EMBEDDED_SYNC: 'sometimes' });
    expect(code).toBe(1);
    expect(stderr).toBe(
      'The settings have mistakes:\n  EMBEDDED_SYNC: found "sometimes"; allowed: one of full, normal\n',
    );
  });
});

describe('settings with mistakes stop the start with code 1', () => {
  test('every mistake is listed at once, with what was found and what is allowed', async () => {
    const { code, stdout, stderr } = await startAndFail({
      APP_ENV: 'live',
      PORT: '80 80',
      OPENAI_TIMEOUT: 'soon',
      MAX_CONCURRENT_RUNS: '0',
      READYZ_PROVIDER_DOWN: 'maybe',
      OPENAI_BASE_URL: 'localhost:4000',
    });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr.split('\n')).toEqual([
      'The settings have mistakes:',
      '  APP_ENV: found "live"; allowed: one of development, staging, production, test',
      '  PORT: found "80 80"; allowed: a whole number from 0 to 65535',
      '  OPENAI_TIMEOUT: found "soon"; allowed: seconds from 0.1 to 3600',
      '  OPENAI_BASE_URL: found "localhost:4000"; allowed: a URL that starts with https:// or http://',
      '  MAX_CONCURRENT_RUNS: found "0"; allowed: a whole number from 1 to 10000',
      '  READYZ_PROVIDER_DOWN: found "maybe"; allowed: one of degraded, fail',
      '',
    ]);
  });

  test('a secret is never printed, right or wrong', async () => {
    const { code, stdout, stderr } = await startAndFail({
      APP_ENV: 'test',
      OPENAI_API_KEY: 'sk with spaces 4711',
      ADMIN_API_KEY: 'short-4712',
      DATABASE_URL: 'mysql://user:password-4713@127.0.0.1/db',
      PORT: 'x',
    });
    expect(code).toBe(1);
    expect(stdout + stderr).not.toMatch(/471[123]/);
    expect(stderr).toContain(
      'OPENAI_API_KEY: found a value that is not shown; allowed: printable ASCII without spaces',
    );
    expect(stderr).toContain('ADMIN_API_KEY: found a value that is not shown; allowed: at least 16 characters');
    expect(stderr).toContain(
      'DATABASE_URL: found a value that is not shown; allowed: a URL that starts with postgres://',
    );
  });

  test.each(['sk-your-key-here', 'your_api_key', 'sk-xxxxxxxx', 'changeme'])(
    'the placeholder %s is not a key',
    async (key) => {
      const { code, stderr } = await startAndFail({ OPENAI_API_KEY: key });
      expect(code).toBe(1);
      expect(stderr).toContain(
        'OPENAI_API_KEY: found a value that is not shown; allowed: a real key; this is a placeholder',
      );
    },
  );

  test.each([undefined, 'production', 'staging'])(
    'APP_ENV %s insists on a key for the provider: no simulated model answers there',
    async (appEnv) => {
      const { code, stderr } = await startAndFail(appEnv === undefined ? {} : { APP_ENV: appEnv });
      expect(code).toBe(1);
      expect(stderr).toBe(
        'The settings have mistakes:\n' +
          `  OPENAI_API_KEY: found nothing; allowed: an API key, required when APP_ENV is ${appEnv ?? 'production'} ` +
          '(for a first try without a key: APP_ENV=development)\n',
      );
    },
  );
});

describe('a .env file in the current folder', () => {
  test('is read', async () => {
    const { code, stderr } = await startAndFail({}, { '.env': 'APP_ENV=test\nLOG_LEVEL="loud" # as it is\n' });
    expect(code).toBe(1);
    expect(stderr).toBe(
      'The settings have mistakes:\n  LOG_LEVEL: found "loud"; allowed: one of DEBUG, INFO, WARNING, WARN, ERROR, CRITICAL\n',
    );
  });

  test('counts less than the environment', async () => {
    const { code, stderr } = await startAndFail({ LOG_LEVEL: 'quiet' }, { '.env': 'APP_ENV=test\nLOG_LEVEL=loud\n' });
    expect(code).toBe(1);
    expect(stderr).toContain('LOG_LEVEL: found "quiet"');
  });
});

describe('what stands in the way of a start is said in a line, with code 1', () => {
  test('a port that is taken', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    for (const setting of ['PORT', 'METRICS_PORT']) {
      const { code, stderr } = await startAndFail({ APP_ENV: 'test', [setting]: `${port}` });
      expect(code).toBe(1);
      expect(stderr).toBe(
        `Cannot listen on port ${port} of 127.0.0.1: the port is taken. Set ${setting} or HOST to another one.\n`,
      );
    }
    server.close();
  });

  test('an address of another machine', async () => {
    // 192.0.2.0/24 is for documentation (RFC 5737): no machine has an address of it.
    const { code, stderr } = await startAndFail({ APP_ENV: 'test', HOST: '192.0.2.1' });
    expect(code).toBe(1);
    expect(stderr).toBe(
      'Cannot listen on port 0 of 192.0.2.1: this machine has no such address. Set METRICS_PORT or HOST to another one.\n',
    );
  });

  test('a folder that another service uses', async () => {
    await using service = await startService();
    const { code, stderr } = await startAndFail({ APP_ENV: 'test', DATA_DIR: service.dataDir });
    expect(code).toBe(1);
    expect(stderr).toContain(`Another process (pid ${service.pid}) executes runs on the embedded store`);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  test.each(['start', 'migrate'])('a database that cannot be reached, without its password (%s)', async (command) => {
    await using project = createProject({ 'src/main.ts': mainFile });
    const password = 'password-4714';
    // Port 1 is reserved (RFC 6335): no process listens there.
    const env = { ...project.env, APP_ENV: 'test', DATABASE_URL: `postgres://app:${password}@127.0.0.1:1/main` };
    const { code, stdout, stderr } = await runCli([command], env, project.folder);
    expect(code).toBe(1);
    expect(stderr).toContain('DATABASE_URL leads to');
    expect(stderr).toContain('127.0.0.1:1');
    expect(stderr).toContain('ECONNREFUSED');
    expect(stdout + stderr).not.toContain(password);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});

test('a program is served wherever its file lies', async () => {
  await using project = createProject({ 'src/main.ts': mainFile });
  await using service = await startService({ app: join(project.folder, 'src/main.ts') });
  expect((await service.post('/api/v1/run', { message: 'Hi' })).body).toMatchObject({ agent: 'helper' });
});
