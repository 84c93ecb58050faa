import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { engines } from '../support/engines.ts';
import { type FakeProvider, startFakeProvider } from '../support/fake-provider.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { runCli, startService } from '../support/service.ts';

const apiKey = 'sk-the-right-one';
const adminKey = 'an-admin-key-of-enough-letters';

let provider: FakeProvider;
let database: TestDatabase;
let folder: string;
let sound: Record<string, string | undefined>;

beforeAll(async () => {
  provider = await startFakeProvider({ apiKey, models: ['gpt-4.1', 'gpt-poor', 'gpt-crowded'] });
  database = await createTestDatabase();
  folder = mkdtempSync(join(tmpdir(), 'agent-service-doctor-'));
  const quota = { 'x-ratelimit-limit-requests': '5000', 'x-ratelimit-remaining-requests': '4999' };
  await provider.script(
    { when: { model: 'gpt-4.1' }, reply: { text: 'OK', headers: quota } },
    { when: { model: 'gpt-poor' }, reply: { error: { status: 429, code: 'insufficient_quota' } } },
    {
      when: { model: 'gpt-crowded' },
      reply: { text: 'OK', headers: { ...quota, 'x-ratelimit-remaining-requests': '3' } },
    },
  );
  sound = {
    OPENAI_BASE_URL: provider.baseUrl,
    OPENAI_API_KEY: apiKey,
    OPENAI_API: 'responses',
    ADMIN_API_KEY: adminKey,
    DATABASE_URL: database.url,
  };
});

afterAll(async () => {
  await provider[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

type Line = { check: string; verdict: string; message: string; mend: string | null; figures: Record<string, unknown> };

/** Runs the command with `--json`; whatever it says, it tells no secret. */
async function diagnose(env: Record<string, string | undefined>, ...options: string[]) {
  const { code, stdout, stderr } = await runCli(['doctor', '--json', ...options], env, folder);
  for (const secret of [env.OPENAI_API_KEY, env.ADMIN_API_KEY, env.DATABASE_URL, 'a-password']) {
    if (secret) expect(stdout + stderr).not.toContain(secret);
  }
  expect(stderr).toBe('');
  const report = JSON.parse(stdout) as { status: string; checks: Line[] };
  const found = (verdict: string) => report.checks.filter((line) => line.verdict === verdict).map(({ check }) => check);
  return { code, ...report, failed: found('failed'), warned: found('warning') };
}

describe('doctor', () => {
  test('finds nothing wrong where nothing is, and tells figures', async () => {
    const { code, status, checks } = await diagnose(sound, '--replicas', '3', '--strict');
    expect({ code, status }).toEqual({ code: 0, status: 'ok' });
    expect(checks.map(({ check, verdict }) => `${check} ${verdict}`)).toEqual([
      'configuration ok',
      'provider ok',
      'model ok',
      'quota ok',
      'store ok',
      'schema ok',
      'pooler ok',
      'connections ok',
      'clocks ok',
      'disk skipped',
    ]);
    const figures = Object.assign({}, ...checks.map((line) => line.figures));
    expect(figures).toMatchObject({
      model: 'gpt-4.1',
      requests_remaining: 4999,
      needed: 33,
      latency_ms: expect.any(Number),
    });
  });

  test.each([
    { noProxy: '10.0.0.0/8', found: 'failed', asked: true },
    { noProxy: '127.0.0.0/8', found: 'ok', asked: false },
  ])('the provider is asked through the proxy of the service: NO_PROXY=$noProxy', async ({ noProxy, found, asked }) => {
    const targets: string[] = [];
    const proxy = createHttpServer(({ url }, response) => {
      targets.push(`${url}`);
      response.writeHead(403, { connection: 'close' }).end();
    });
    await once(proxy.listen(0, '127.0.0.1'), 'listening');
    const at = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    try {
      const report = await diagnose({ ...sound, HTTP_PROXY: `http://user:a-password@${at}`, NO_PROXY: noProxy });
      const { verdict, message } = report.checks.find(({ check }) => check === 'provider') ?? {};
      expect({ verdict, asked: targets.length > 0 }).toEqual({ verdict: found, asked });
      if (asked) expect(message).toContain(`, through the proxy http://${at}, answers 403 to GET /models.`);
    } finally {
      await new Promise((resolve) => proxy.close(resolve));
    }
  });

  const broken: [string, Record<string, string>, RegExp, string[]?][] = [
    ['a key that the provider does not accept', { OPENAI_API_KEY: 'sk-the-wrong-one' }, /^provider: .*\(401\)/],
    ['a model that is not there', { OPENAI_MODEL: 'gpt-none' }, /^model: .* 404 model_not_found/],
    ['a quota that is used up', { OPENAI_MODEL: 'gpt-poor' }, /^model: .* 429 insufficient_quota/],
    ['a provider that is not there', { OPENAI_BASE_URL: 'http://127.0.0.1:2/v1' }, /^provider: .*ECONNREFUSED/],
    [
      'a database that is not there',
      { DATABASE_URL: 'postgres://me:a-password@127.0.0.1:1/app' },
      /^store: .*ECONNREFUSED/,
    ],
    [
      'more processes than Postgres has connections for',
      {},
      /^connections: .* \(10 \+ 1\) = 1100 of/,
      ['--replicas', '100'],
    ],
    ['a setting with a mistake', { SHUTDOWN_GRACE: 'long' }, /^configuration: SHUTDOWN_GRACE has a mistake/],
  ];
  test.each(broken)('ends with 1 for %s, and names it alone', async (_, change, expected, options = []) => {
    const { code, status, checks } = await diagnose({ ...sound, ...change }, ...options);
    expect({ code, status }).toEqual({ code: 1, status: 'failed' });
    const wrong = checks.filter(({ verdict }) => verdict === 'failed');
    expect(wrong.map(({ check, message }) => `${check}: ${message}`)).toEqual([expect.stringMatching(expected)]);
    expect(wrong[0]?.mend).toEqual(expect.any(String));
  });

  test('ends with 0 for a warning, and with 1 where it is strict', async () => {
    const env = { ...sound, OPENAI_MODEL: 'gpt-crowded', OPENAI_TIMEOT: '60' };
    expect(await diagnose(env)).toMatchObject({ code: 0, status: 'warning', warned: ['configuration', 'quota'] });
    expect(await diagnose(env, '--strict')).toMatchObject({ code: 1, failed: [] });
  });

  test('ends within its limits where nothing answers', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    try {
      const { port } = silent.address() as { port: number };
      const { code, failed, checks } = await diagnose({
        ...sound,
        OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1`,
        HEALTH_CHECK_TIMEOUT: '0.5',
        DATABASE_URL: `postgres://me:a-password@127.0.0.1:${port}/app`,
      });
      expect({ code, failed }).toEqual({ code: 1, failed: ['provider', 'store'] });
      for (const { verdict, message } of checks) if (verdict === 'failed') expect(message).toMatch(/timeout/);
    } finally {
      silent.close();
    }
  });

  test('has one line for each finding for people', async () => {
    const { code, stdout } = await runCli(['doctor'], { ...sound, OPENAI_API_KEY: 'sk-the-wrong-one' }, folder);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^failed {3}provider +The provider at .* \(401\)\. {2}Set OPENAI_API_KEY to a valid key\.$/m,
    );
    expect(stdout.trimEnd().split('\n').at(-1)).toBe('Failed: 1. Warnings: 0.');
  });

  test.each([
    [['--run'], "error: option '--run' needs '--url <url>'"],
    [['--url', 'localhost:8000'], 'Expected an address such as http://localhost:8000.'],
    [['--replicas', '0'], 'Expected a whole number from 1.'],
    [['--loud'], "error: unknown option '--loud'"],
    [['now'], "error: too many arguments for 'doctor'."],
  ])('that is called wrongly (%j) ends with 2', async (options, message) => {
    const { code, stdout, stderr } = await runCli(['doctor', ...options], sound, folder);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
  });
});

describe('doctor, of the embedded store', () => {
  test('says which process executes runs on it, and leaves it alone', async () => {
    await using service = await startService({ provider, env: { OPENAI_API_KEY: apiKey } });
    const env = { ...sound, DATABASE_URL: undefined, DATA_DIR: service.dataDir, STORE_ENV: 'test' };
    const { code, checks } = await diagnose(env, '--strict');
    expect(checks.find(({ check }) => check === 'store')?.figures).toMatchObject({ owner: String(service.pid) });
    expect(code).toBe(0);
    expect((await service.post('/api/v1/run', { message: 'Hi' })).body).toMatchObject({ status: 'completed' });
  });

  test('finds a file that is no database, and a second process that wants it', async () => {
    const dataDir = mkdtempSync(join(folder, 'data-'));
    writeFileSync(join(dataDir, 'agent-service.db'), 'something else entirely'.repeat(100));
    const env = { ...sound, DATABASE_URL: undefined, DATA_DIR: dataDir };
    const { code, failed } = await diagnose(env, '--replicas', '2');
    expect({ code, failed }).toEqual({ code: 1, failed: ['store', 'connections'] });
  });
});

describe.each(engines)('doctor --url, of a running service on $name', (engine) => {
  test('makes one run with the key, and says what is wrong without it', async () => {
    await using store = await engine.open();
    await using service = await startService({
      provider,
      env: { ...store.env, OPENAI_API_KEY: apiKey, AUTH_MODE: 'api_key', ADMIN_API_KEY: adminKey },
    });
    const url = ['--url', service.url];
    const well = await diagnose({ ADMIN_API_KEY: adminKey }, ...url, '--run', '--strict');
    expect(well).toMatchObject({ code: 0, status: 'ok' });
    expect(well.checks.map(({ check }) => check)).toEqual(['service-health', 'service-readiness', 'service-run']);
    const id = well.checks[2]?.figures.run_id;
    const headers = { authorization: `Bearer ${adminKey}` };
    expect((await service.get(`/api/v1/runs/${id}`, headers)).body).toMatchObject({
      status: 'completed',
      metadata: { source: 'agent-service doctor' },
    });

    expect(await diagnose({}, ...url)).toMatchObject({ code: 0, failed: [] });
    expect(await diagnose({ ADMIN_API_KEY: 'another-key-of-enough-letters' }, ...url, '--run')).toMatchObject({
      code: 1,
      failed: ['service-run'],
    });
  });
});

test('doctor --url of a service that is not there ends with 1', async () => {
  const { code, failed } = await diagnose({}, '--url', 'http://127.0.0.1:2', '--run');
  expect({ code, failed }).toEqual({ code: 1, failed: ['service-health'] });
});

test('doctor --url of a degraded service warns, and of something else fails', async () => {
  await using degraded = await startFakeProvider();
  await degraded.script({ when: { api: 'models' }, reply: { error: { status: 503 } } });
  await using service = await startService({ provider: degraded });
  while ((await service.get('/readyz')).body.status !== 'degraded'); // which it knows soon after the start
  expect(await diagnose({}, '--url', service.url)).toMatchObject({ code: 0, warned: ['service-readiness'] });
  expect(await diagnose({}, '--url', `${service.url}/docs`)).toMatchObject({
    code: 1,
    failed: ['service-health', 'service-readiness'],
  });
});
