import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { writtenFile } from '../../scripts/chart/generate.ts';
import { objectsOf, render, template } from '../../scripts/chart/helm.ts';
import { settingsTable } from '../../src/platform/settings/settings-table.ts';
import { type FakeProvider, startFakeProvider } from '../support/fake-provider.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { runCli, startService } from '../support/service.ts';
import { containerOf, environmentOf, findPod } from './support/find.ts';
import { podOf } from './support/release-rules.ts';

const adminKey = 'admin-0123456789abcdef';

/** Where this machine has what a pod has for itself: its ports and its volume. */
const here = { HOST: '127.0.0.1', PORT: '0', METRICS_PORT: '0' };

describe('the manifests of deploy/k8s', () => {
  const objects = ['deployment', 'configmap', 'secrets'].flatMap((name) =>
    objectsOf(writtenFile(`deploy/k8s/${name}.yaml`)),
  );
  const env: Record<string, string> = { ...environmentOf(objects, containerOf(findPod(objects))), ...here };

  test('hold placeholders with which the service refuses to start, naming each', async () => {
    expect(env.OPENAI_API_KEY).toBe('sk-your-key-here');
    const { code, stderr } = await runCli(['start', 'tests/support/apps/desk.ts'], env);
    expect(code).toBe(1);
    expect(stderr).toContain('The settings have mistakes');
    expect(stderr).toMatch(/OPENAI_API_KEY: .*this is a placeholder/);
    expect(stderr).toMatch(/ADMIN_API_KEY: .*this is a placeholder/);
    expect(stderr).not.toContain('sk-your-key-here');
  });

  test('have no other mistake: with a key and a database the service serves', async () => {
    await using database = await createTestDatabase();
    await using provider = await startFakeProvider();
    await using service = await startService({
      env: {
        ...env,
        OPENAI_API_KEY: 'sk-test-1',
        ADMIN_API_KEY: adminKey,
        DATABASE_URL: database.url,
        OPENAI_BASE_URL: provider.baseUrl,
      },
    });
    const { status, body } = await service.post(
      '/api/v1/run',
      { message: 'Hi' },
      { authorization: `Bearer ${adminKey}` },
    );
    expect([status, body.status]).toEqual([200, 'completed']);
    expect((await fetch(`${service.probeUrl}/metrics`)).status).toBe(200);
  });
});

test('a pod holds no more connections to the database than the chart counts for it', async () => {
  await using database = await createTestDatabase();
  await using provider = await startFakeProvider();
  const config = { APP_ENV: 'test', AUTH_MODE: 'none', DATABASE_POOL_MAX: 3 };
  const objects = render({ values: { config } });
  const env = environmentOf(objects, containerOf(findPod(objects)));
  await using service = await startService({
    provider,
    env: { ...env, ...here, DATABASE_URL: database.url },
  });
  const runs = Array.from({ length: 20 }, () => service.post('/api/v1/run', { message: 'Hi' }));
  for (const run of runs) expect((await run).status).toBe(200);
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const { rows } = await client.query(
    'select count(*)::int as held from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
  );
  await client.end();
  // One pod, and another one while a version replaces it.
  const refuses = (maxConnections: number) => {
    const values = { config, database: { maxConnections }, autoscaling: { enabled: false }, replicaCount: 1 };
    return template({ values }).stderr;
  };
  const [counted = ''] = /\d+(?= each)/.exec(refuses(1)) ?? [];
  expect(rows[0].held).toBeGreaterThan(1);
  expect(rows[0].held).toBeLessThanOrEqual(Number(counted));
  expect(refuses(2 * Number(counted))).toBe('');
});

describe('the job that migrates', () => {
  const DATABASE_URL = 'postgres://agent:secret@db.internal/agent';
  const objects = render({
    values: { secret: { source: 'create', values: { OPENAI_API_KEY: 'sk-1234567890', DATABASE_URL } } },
  });
  const container = containerOf(findPod(objects, 'Job', 'agent-service-migrate'));
  const env = environmentOf(objects, container);

  test('needs nothing but the address of the database, and can be run twice', async () => {
    await using database = await createTestDatabase('empty');
    expect(env).toEqual({ APP_ENV: 'production', LOG_LEVEL: 'INFO', DATABASE_URL });
    for (const _ of [1, 2]) {
      const { code, stdout, stderr } = await runCli(container.args ?? [], { ...env, DATABASE_URL: database.url });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toContain('the schema is up to date');
    }
  });

  test('fails when it cannot reach the database, so that no pod is replaced', async () => {
    const { code } = await runCli(container.args ?? [], { ...env, DATABASE_URL: 'postgres://127.0.0.1:1/agent' });
    expect(code).toBe(1);
  });
});

describe('helm test', () => {
  const objects = render({ values: { worker: { enabled: true } } });
  const argsOf = (name: string) => containerOf(findPod(objects, 'Pod', 'agent-service-test'), name).args ?? [];
  const env = environmentOf(objects, containerOf(findPod(objects, 'Pod', 'agent-service-test'), 'run'));

  test('looks at what the pods stand on, counting as many of them as there may be', async () => {
    await using database = await createTestDatabase();
    await using provider = await startFakeProvider();
    expect(argsOf('doctor')).toEqual(['doctor', '--replicas', '42']);
    const given = { OPENAI_API_KEY: 'sk-test-1', ADMIN_API_KEY: adminKey, OPENAI_BASE_URL: provider.baseUrl };
    const { stdout } = await runCli([...argsOf('doctor'), '--json'], {
      ...env,
      ...given,
      DATABASE_URL: database.url,
      DATABASE_POOL_MAX: '500',
    });
    const checks = JSON.parse(stdout).checks as { check: string; verdict: string; message: string }[];
    // Whether the database is quick enough is not what this is about.
    const failed = checks.filter(({ verdict }) => verdict === 'failed');
    expect(failed.map(({ check }) => check)).toEqual(['connections']);
    expect(failed[0]?.message).toContain('42');
    expect(checks.find(({ check }) => check === 'configuration')?.verdict).toBe('ok');
  });

  test('makes one run by way of the Service, and fails where that is not answered', async () => {
    await using provider = await startFakeProvider();
    await using service = await startService({ provider, env: { AUTH_MODE: 'api_key', ADMIN_API_KEY: adminKey } });
    const inCluster = 'http://agent-service:8000';
    expect(argsOf('run')).toEqual(['doctor', '--url', inCluster, '--run']);
    const args = argsOf('run').map((argument) => argument.replace(inCluster, service.url));
    const run = (ADMIN_API_KEY: string) => runCli(args, { ...env, ADMIN_API_KEY });
    expect(await run(adminKey)).toMatchObject({ code: 0 });
    expect((await service.get('/api/v1/runs', { authorization: `Bearer ${adminKey}` })).body.data).toHaveLength(1);
    expect(await run('wrong-0123456789')).toMatchObject({ code: 1 });
    await provider.script({ when: {}, reply: { error: { status: 401 } } });
    expect(await run(adminKey)).toMatchObject({ code: 1 });
  });
});

test('a trial serves with the values for development: no key, no database, a simulated model', async () => {
  const objects = render({ valuesFiles: ['values-dev.yaml'] });
  const env = environmentOf(objects, containerOf(findPod(objects)));
  const folder = mkdtempSync(join(tmpdir(), 'agent-service-chart-'));
  try {
    await using service = await startService({ env: { ...env, ...here, APP_ENV: 'test', DATA_DIR: folder } });
    const { status, body } = await service.post('/api/v1/run', { message: 'Hi' });
    expect([status, body.simulated]).toEqual([200, true]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

describe('a service with an inference pool', () => {
  const poolOf = (inference: Record<string, unknown>) => {
    const objects = render({ values: { inference: { enabled: true, maxNumSeqs: 2, ...inference } } });
    const vllm = containerOf(findPod(objects, 'Deployment', 'agent-service-inference'));
    const argument = (name: string) => vllm.args?.find((given) => given.startsWith(`--${name}=`))?.split('=')[1] ?? '';
    return {
      objects,
      vllm,
      env: environmentOf(objects, containerOf(findPod(objects))),
      /** A fake vLLM, started with what the container is. */
      start: () =>
        startFakeProvider({
          models: [argument('served-model-name')],
          vllm: { maxNumSeqs: Number(argument('max-num-seqs')) },
        }),
    };
  };
  /** The environment, with the pool's Service where the fake listens. */
  const at = (env: Record<string, string>, provider: FakeProvider) =>
    Object.fromEntries(
      Object.entries(env).map(([name, value]) => [
        name,
        value.replace('http://agent-service-inference:8000/v1', provider.baseUrl),
      ]),
    );
  const common = { ...here, OPENAI_API_KEY: 'sk-test-1', ADMIN_API_KEY: adminKey, DATABASE_URL: undefined };
  const authorization = { authorization: `Bearer ${adminKey}` };

  test('is answered by it, in one piece and as a stream, and its probes find what they ask for', async () => {
    const { vllm, env, start } = poolOf({ model: 'Qwen/Qwen2.5-7B-Instruct' });
    await using pool = await start();
    for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe'] as const) {
      const { httpGet } = vllm[probe] as { httpGet: { path: string } };
      expect((await fetch(new URL(httpGet.path, pool.baseUrl))).status, probe).toBe(200);
    }
    await using service = await startService({ env: { ...at(env, pool), ...common } });
    await pool.script('It left today.', 'It left today.');
    const whole = await service.post('/api/v1/run', { message: 'Where is it?' }, authorization);
    expect(whole.body).toMatchObject({
      status: 'completed',
      response: 'It left today.',
      model: 'Qwen/Qwen2.5-7B-Instruct',
    });
    const streamed = await service.post('/api/v1/run/stream', { message: 'Where is it?' }, authorization);
    expect(streamed.text).toContain('event: run.completed');
    const calls = (await pool.requests()).filter(({ method }) => method === 'POST');
    expect(calls.map(({ path, streamed }) => [path, streamed])).toEqual([
      ['/v1/chat/completions', false],
      ['/v1/chat/completions', true],
    ]);
    expect((await fetch(`${service.url}/readyz`)).status).toBe(200);
  });

  test('lets the pool scale: runs beyond its places are the waiting requests that the autoscaler asks about', async () => {
    const { env, start } = poolOf({ model: 'qwen' });
    await using pool = await start();
    await using service = await startService({ env: { ...at(env, pool), ...common } });
    await pool.script({ when: {}, reply: { text: 'Done.', hold: { name: 'model' } } });
    const runs = Array.from({ length: 5 }, () => service.post('/api/v1/run', { message: 'Hi' }, authorization));
    await pool.waitFor(({ stats }) => stats.byModel.qwen === 5);
    const figures = await (await fetch(new URL('/metrics', pool.baseUrl))).text();
    expect(figures).toContain('vllm:num_requests_waiting{engine="0",model_name="qwen"} 3.0');
    expect(figures).toContain('vllm:num_requests_running{engine="0",model_name="qwen"} 2.0');
    await pool.release('model');
    for (const run of runs) expect((await run).body.status).toBe('completed');
  });

  // The settings of a second provider may be younger than the chart.
  test.runIf('FALLBACK_OPENAI_BASE_URL' in settingsTable)(
    'falls back on it when the first provider fails',
    async () => {
      const { env, start } = poolOf({ role: 'fallback', model: 'qwen' });
      await using pool = await start();
      await using first = await startFakeProvider();
      await using service = await startService({
        env: { ...at(env, pool), ...common, OPENAI_BASE_URL: first.baseUrl },
      });
      await first.script({ when: { api: 'responses' }, reply: { error: { status: 503 } } });
      await first.script({ when: { api: 'chat_completions' }, reply: { error: { status: 503 } } });
      await pool.script('It left today.');
      const { body } = await service.post('/api/v1/run', { message: 'Where is it?' }, authorization);
      expect(body).toMatchObject({ status: 'completed', response: 'It left today.' });
    },
  );
});

test('every pod of a release is one that the tests can run', () => {
  expect(
    render()
      .flatMap((object) => (podOf(object) ? [object.kind] : []))
      .sort(),
  ).toEqual(['Deployment', 'Job', 'Pod']);
});
