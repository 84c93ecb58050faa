import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type EngineUnderTest, engines } from '../support/engines.ts';
import { type FakeProvider, startFakeProvider } from '../support/fake-provider.ts';
import { bearer, holderOf, keyedEnv, makeKey } from '../support/keys.ts';
import { type ApiOperation, readOperations } from '../support/operations.ts';
import { runCli, type ServiceUnderTest, startService } from '../support/service.ts';
import { readEvents } from '../support/sse.ts';

const keyPattern = /^ask_[0-9a-hjkmnp-tv-z]{26}_[0-9A-Za-z]{49}$/; // as docs/keys.md has it
const operations = await readOperations();

/** Asks until the answer has this status; the time of the test bounds it. */
async function until(status: number, ask: () => Promise<{ status: number }>): Promise<void> {
  while ((await ask()).status !== status);
}

// Many of these tests start processes, which takes long on a busy machine.
describe.each(engines)('API keys on $name', ({ name, open }) => {
  let engine: EngineUnderTest;
  let provider: FakeProvider;
  let service: ServiceUnderTest;
  let env: Record<string, string>;

  beforeAll(async () => {
    [engine, provider] = await Promise.all([open(), startFakeProvider()]);
    service = await startService({ provider, env: { ...keyedEnv, ...engine.env } });
    env = { DATA_DIR: service.dataDir, ...engine.env };
  });
  beforeEach(() => provider.reset());
  afterAll(async () => {
    await service?.[Symbol.asyncDispose]();
    await provider?.[Symbol.asyncDispose]();
    await engine?.[Symbol.asyncDispose]();
  });

  describe('on the command line, beside a live service', () => {
    test('a key is made, shown once, and let in at once', async () => {
      const made = await runCli(['keys', 'create', '--tenant', 'cli', '--scopes', 'read,run', '--name', 'web'], env);
      const key = made.stdout.trim();
      expect([made.code, key]).toEqual([0, expect.stringMatching(keyPattern)]);
      const id = `key_${key.slice(4, 30)}`;
      expect(made.stderr).toBe(
        `Made ${id} for tenant cli (run, read; valid).\nThis is the only time that the key is shown. The service knows it at once.\n`,
      );
      const run = await holderOf(service, key).post('/api/v1/run', { message: 'Hi' });
      expect(run.status).toBe(200);

      const listed = await runCli(['keys', 'list', '--tenant', 'cli'], env);
      expect(listed.stdout.split('\n')).toEqual([
        expect.stringMatching(/^ID +TENANT +NAME +SCOPES +STATE +LAST USED$/),
        expect.stringMatching(new RegExp(`^${id}  cli +web +run,read +valid  +(never|20\\S+Z)$`)),
        '',
      ]);
      const all = [made.stderr, listed.stdout, (await runCli(['keys', 'list', '--json'], env)).stdout];
      expect(all.join()).not.toContain(key.slice(31));
    });

    test('a key has the limits, the budgets and the end that it was made with', async () => {
      const limits = ['--rpm', '60', '--burst', '5', '--budget-usd-day', '2.5', '--budget-tokens-day', '3000000000'];
      const budgets = ['--budget-usd-month', '50', '--budget-tokens-month', '0', '--expires', '90d'];
      const args = ['keys', 'create', '--tenant', 'limits', '--scopes', 'admin', ...limits, ...budgets, '--json'];
      const { code, stdout } = await runCli(args, env);
      expect(code).toBe(0);
      const { key, ...made } = JSON.parse(stdout);
      expect(key).toMatch(keyPattern);
      expect(made).toMatchObject({
        tenant: 'limits',
        scopes: ['admin'],
        rpm: 60,
        burst: 5,
        budget_usd_day: 2.5,
        budget_tokens_day: 3_000_000_000,
        budget_usd_month: 50,
        budget_tokens_month: 0,
        revoked_at: null,
        last_used_at: null,
      });
      const days = (Date.parse(made.expires_at) - Date.parse(made.created_at)) / 86_400_000;
      expect(days).toBeCloseTo(90, 1);
      expect(JSON.parse((await runCli(['keys', 'list', '--tenant', 'limits', '--json'], env)).stdout)).toEqual([made]);
    });

    test('a key that is revoked is refused within seconds, and revoking it again changes nothing', async () => {
      const { id, holder } = await makeKey(service, { tenant: 'cli' });
      expect((await holder.get('/api/v1/agents')).status).toBe(200);
      for (let time = 0; time < 2; time += 1) {
        expect(await runCli(['keys', 'revoke', id], env)).toEqual({
          code: 0,
          stdout: `${id} is revoked. No process lets it in for more than 3 seconds from now.\n`,
          stderr: '',
        });
      }
      await until(401, () => holder.get('/api/v1/agents'));
      const { body } = await holder.get('/api/v1/agents');
      expect(body).toMatchObject({ code: 'unauthorized', detail: 'This API key was revoked.' });
      const [listed] = (await runCli(['keys', 'list'], env)).stdout.split('\n').filter((line) => line.startsWith(id));
      expect(listed).toMatch(/revoked 20\d\d-\d\d-\d\d/);
    });

    test('a key that there is not is named', async () => {
      expect(await runCli(['keys', 'revoke', 'key_none'], env)).toEqual({
        code: 1,
        stdout: '',
        stderr: 'Key key_none was not found.\n',
      });
    });
  });

  describe('over the API', () => {
    test('a key is shown by the answer that makes it, and by no other', async () => {
      const admin = holderOf(service);
      const made = await admin.post('/api/v1/keys', { tenant: 'once', scopes: ['run', 'read'], name: 'Größe' });
      expect(made.status).toBe(201);
      expect(made.headers.get('cache-control')).toBe('no-store');
      const { key, ...view } = made.body;
      expect(key).toMatch(keyPattern);
      expect(view).toMatchObject({ tenant: 'once', name: 'Größe', scopes: ['run', 'read'], last_used_at: null });
      const listed = await admin.get('/api/v1/keys?tenant=once');
      expect(listed.body).toEqual({ data: [view], next_cursor: null });
    });

    test('keys are listed page by page, those of all tenants for the operator', async () => {
      const admin = holderOf(service);
      const made = [];
      for (const tenant of ['pages-a', 'pages-b', 'pages-a']) made.push((await makeKey(service, { tenant })).id);
      const seen: unknown[] = [];
      for (let cursor = ''; ; ) {
        const { body } = await admin.get(`/api/v1/keys?limit=1${cursor}`);
        seen.push(...(body.data as { key_id: string }[]).map(({ key_id }) => key_id));
        if (body.next_cursor === null) break;
        cursor = `&cursor=${body.next_cursor}`;
      }
      expect(seen.slice(0, 3)).toEqual(made.toReversed());
      const own = (await admin.get('/api/v1/keys?tenant=pages-a')).body.data as { key_id: string }[];
      expect(own.map(({ key_id }) => key_id)).toEqual([made[2], made[0]]);
    });

    test('a key is revoked with 204, again with 204, and one that there is not is 404', async () => {
      const { id, holder } = await makeKey(service, { tenant: 'gone' });
      const admin = holderOf(service);
      for (let time = 0; time < 2; time += 1) expect((await admin.delete(`/api/v1/keys/${id}`)).status).toBe(204);
      await until(401, () => holder.get('/api/v1/agents'));
      expect((await admin.delete('/api/v1/keys/key_none')).status).toBe(404);
    });

    test.each([
      { tenant: '../x', scopes: ['run'] },
      { tenant: '', scopes: ['run'] },
      { tenant: 'x'.repeat(101), scopes: ['run'] },
      { scopes: [] },
      { scopes: ['root'] },
      { scopes: 'run' },
      {},
      { scopes: ['run'], rpm: 0 },
      { scopes: ['run'], burst: 1.5 },
      { scopes: ['run'], budget_usd_day: -1 },
      { scopes: ['run'], budget_tokens_month: 0.5 },
      { scopes: ['run'], expires_at: '2020-01-01T00:00:00Z' },
      { scopes: ['run'], expires_at: 'tomorrow' },
      { scopes: ['run'], name: 'a\nb' },
      { scopes: ['run'], key: `ask_${'0'.repeat(26)}_${'0'.repeat(49)}` },
      { scopes: ['run'], revoked_at: null },
    ])('a mistake makes no key: %j', async (body) => {
      const admin = holderOf(service);
      const newest = async () => (await admin.get('/api/v1/keys?limit=1')).body.next_cursor;
      const before = await newest();
      const { status, body: problem } = await admin.post('/api/v1/keys', body);
      expect([status, problem.code]).toEqual([422, 'validation_failed']);
      expect(await newest()).toBe(before);
    });

    test('an admin of a tenant makes, sees and revokes the keys of that tenant alone', async () => {
      const boss = await makeKey(service, { tenant: 'mine', scopes: ['admin'] });
      const theirs = await makeKey(service, { tenant: 'theirs' });
      const made = await makeKey(service, { tenant: 'mine' }, boss.holder);
      const implied = await boss.holder.post('/api/v1/keys', { scopes: ['read'] });
      expect([implied.status, implied.body.tenant]).toEqual([201, 'mine']);

      const refused = await boss.holder.post('/api/v1/keys', { tenant: 'theirs', scopes: ['read'] });
      expect([refused.status, refused.body.code]).toEqual([404, 'not_found']);
      expect((await boss.holder.get('/api/v1/keys?tenant=theirs')).status).toBe(404);
      expect((await boss.holder.delete(`/api/v1/keys/${theirs.id}`)).status).toBe(404);
      expect((await theirs.holder.get('/api/v1/agents')).status).toBe(200);

      const seen = (await boss.holder.get('/api/v1/keys')).body.data as { key_id: string; tenant: string }[];
      expect(seen.map(({ key_id }) => key_id)).toEqual([implied.body.key_id, made.id, boss.id]);
      expect((await boss.holder.delete(`/api/v1/keys/${made.id}`)).status).toBe(204);
    });

    test('no key grants more than it has: limits of a tenant’s keys come from the operator', async () => {
      const limits = { rpm: 50, budget_usd_day: 10 };
      const boss = await makeKey(service, { tenant: 'bounded', scopes: ['admin'], ...limits });
      const make = (body: object) => boss.holder.post('/api/v1/keys', { scopes: ['run'], ...body });
      for (const [field, value] of [
        ['rpm', 51],
        ['budget_usd_day', 10.01],
        ['burst', 1_000_001],
      ] as const) {
        const { status, body } = await make({ [field]: value });
        expect([status, (body.errors as { path: string }[])[0]?.path]).toEqual([422, field]);
      }
      expect((await make({})).body).toMatchObject({ rpm: 50, burst: null, budget_usd_day: 10, budget_usd_month: null });
      expect((await make({ rpm: 5, budget_usd_day: 0, budget_usd_month: 7 })).body).toMatchObject({
        rpm: 5,
        budget_usd_day: 0,
        budget_usd_month: 7,
      });
    });
  });

  describe('scopes', () => {
    /** A request that would do no harm: what it names is not there. */
    const ask = (holder: ReturnType<typeof holderOf>, { method, path, hasBody }: ApiOperation) =>
      holder.request(path.replaceAll(/\{\w+\}/g, 'none'), {
        method,
        ...(hasBody ? { body: '{}', headers: { 'content-type': 'application/json' } } : {}),
      });

    test.each(['run', 'read', 'admin'])(
      'a key with the scope %s is let in where that is asked for, else 403',
      async (scope) => {
        const { holder } = await makeKey(service, { tenant: 'scoped', scopes: [scope] });
        expect(new Set(operations.map((operation) => operation.scope))).toEqual(new Set(['run', 'read', 'admin']));
        for (const operation of operations) {
          const { status, body } = await ask(holder, operation);
          if (operation.scope === scope) expect([200, 404, 422], operation.route).toContain(status);
          else expect([operation.route, status, body.code]).toEqual([operation.route, 403, 'forbidden']);
        }
      },
    );

    test('what is refused is named with what the key has', async () => {
      const { holder } = await makeKey(service, { tenant: 'scoped', scopes: ['read'] });
      expect((await holder.post('/api/v1/run', { message: 'Hi' })).body).toMatchObject({
        title: 'Forbidden',
        detail: 'This API key does not have the scope "run"; it has read.',
      });
    });
  });

  test('a key has its own rate, and what one has used up touches no other', async () => {
    const greedy = await makeKey(service, { tenant: 'greedy', rpm: 6, burst: 2 });
    const modest = await makeKey(service, { tenant: 'modest', rpm: 6, burst: 2 });
    const run = ({ holder }: typeof greedy) => holder.post('/api/v1/run', { message: 'Hi' });
    const first = await run(greedy);
    expect(first.headers.get('ratelimit-policy')).toBe('"create";q=6;w=60');
    await run(greedy);
    const refused = await run(greedy);
    expect([refused.status, refused.body.code]).toEqual([429, 'rate_limited']);
    expect([(await run(modest)).status, (await run(modest)).status]).toEqual([200, 200]);
    expect((await holderOf(service).post('/api/v1/run', { message: 'Hi' })).status).toBe(200);
  });

  test('the last use of a key is shown', async () => {
    const { id, holder } = await makeKey(service, { tenant: 'used' });
    await holder.get('/api/v1/agents');
    let last: { key_id: string; created_at: string; last_used_at: string | null } | undefined;
    while (!last?.last_used_at) {
      const { data } = (await holderOf(service).get('/api/v1/keys?tenant=used')).body as { data: [typeof last] };
      [last] = data;
    }
    expect(last.key_id).toBe(id);
    expect(Date.parse(last.last_used_at)).toBeGreaterThanOrEqual(Date.parse(last.created_at));
  });

  describe('a stream that is open when its key ends', () => {
    const hold = () =>
      provider.script({ when: { lastUserContains: 'hold' }, reply: { text: 'Held.', hold: 'stream' } });

    test('ends within seconds where the key is revoked; the run goes on, and is the tenant’s', async () => {
      await hold();
      const [ending, staying] = [
        await makeKey(service, { tenant: 'streams' }),
        await makeKey(service, { tenant: 'streams' }),
      ];
      const events = readEvents(await ending.holder.stream({ message: 'hold' }));
      const runId = (await events.until('run.created')).data.run_id;
      await provider.held('stream');
      const path = `/api/v1/runs/${runId}/events`;
      const follow = (key: typeof ending) => fetch(`${service.url}${path}`, { headers: key.holder.headers });
      const [followed, other] = [readEvents(await follow(ending)), readEvents(await follow(staying))];
      expect((await runCli(['keys', 'revoke', ending.id], env)).code).toBe(0);

      expect((await events.all()).at(-1)?.event).toBe('stream.closing');
      expect((await followed.all()).at(-1)?.event).toBe('stream.closing');
      await until(401, () => follow(ending));
      await provider.release('stream');
      expect((await other.all()).at(-1)?.event).toBe('run.completed');
      expect((await staying.holder.get(`/api/v1/runs/${runId}`)).body).toMatchObject({ status: 'completed' });
    });

    test('ends within seconds where the key expires, and that key is refused from then on', async () => {
      await hold();
      const { id, holder } = await makeKey(service, { tenant: 'streams', expires_at: '2199-01-01T00:00:00Z' });
      const events = readEvents(await holder.stream({ message: 'hold' }));
      await events.until('run.started');
      await engine.change(service.dataDir, `update api_keys set expires_at_ms = 1 where id = '${id}'`);
      expect((await events.all()).at(-1)?.event).toBe('stream.closing');
      await until(401, () => holder.get('/api/v1/agents'));
      expect((await holder.get('/api/v1/agents')).body.detail).toBe('This API key has expired.');
      await provider.release('stream');
    });
  });

  test('the log and the figures tell which key it was, and never the key', async () => {
    const { id, text, holder } = await makeKey(service, { tenant: 'logged' });
    await holder.post('/api/v1/run', { message: 'Hi' });
    await service.get('/api/v1/agents', bearer(`${text}x`));
    await holderOf(service).delete(`/api/v1/keys/${id}`);
    expect(await service.logged(({ msg, keyId }) => msg === 'API key made' && keyId === id)).toMatchObject({
      tenant: 'logged',
      by: 'admin',
    });
    await service.logged(({ msg, keyId }) => msg === 'API key revoked' && keyId === id);
    const figures = await (await fetch(`${service.probeUrl}/metrics`)).text();
    expect(JSON.stringify(service.logLines()) + figures).not.toMatch(/\bask_0|admin-key-of-the-test/);
  });

  if (name === 'postgres') {
    test('a key that is revoked is refused within seconds by every process', async () => {
      await using second = await startService({ provider, env: { ...keyedEnv, ...engine.env } });
      const { id, text } = await makeKey(service, { tenant: 'pods' });
      const holders = [service, second].map((each) => holderOf(each, text));
      for (const holder of holders) expect((await holder.get('/api/v1/agents')).status).toBe(200);
      await holderOf(second).delete(`/api/v1/keys/${id}`);
      for (const holder of holders) await until(401, () => holder.get('/api/v1/agents'));
    });
  }

  test('a service without ADMIN_API_KEY warns where the store has no valid key either, and not where it has', async () => {
    await using own = await open();
    const bare = { ...own.env, APP_ENV: 'production', OPENAI_API_KEY: 'sk-test', ADMIN_API_KEY: undefined };
    const warned = (each: ServiceUnderTest) =>
      each.logLines().filter(({ level, msg }) => level === 'warn' && msg?.includes('there is no key'));
    await using keyless = await startService({ provider, env: bare });
    await keyless.logged(({ msg }) => msg?.includes('agent-service keys create') ?? false);
    expect((await keyless.get('/api/v1/agents', bearer('any-key-of-16-chars'))).status).toBe(401);
    const { dataDir } = keyless;
    const made = await runCli(['keys', 'create', '--tenant', 't', '--scopes', 'read'], {
      DATA_DIR: dataDir,
      ...own.env,
    });
    expect((await keyless.get('/api/v1/agents', bearer(made.stdout.trim()))).status).toBe(200);
    keyless.kill('SIGTERM');
    await keyless.exited;
    await using keyed = await startService({ provider, dataDir, env: bare });
    expect((await keyed.get('/api/v1/agents', bearer(made.stdout.trim()))).status).toBe(200);
    expect([warned(keyless).length, warned(keyed).length]).toEqual([1, 0]);
  });
});

describe('keys', () => {
  test('create names every mistake, and makes no store for it', async () => {
    const folder = '/nonexistent/agent-service';
    const args = ['keys', 'create', '--tenant', 'a b', '--scopes', 'run,root', '--rpm', '0'];
    const { code, stdout, stderr } = await runCli(args, { DATA_DIR: folder });
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr.split('\n')).toEqual([
      expect.stringMatching(/^--tenant: must be 1 to 100 characters/),
      expect.stringMatching(/^--scopes: .*"run"\|"read"\|"admin"/),
      expect.stringMatching(/^--rpm: .*1/),
      '',
    ]);
  });

  test.each([['list'], ['revoke', 'key_1']])(
    '%s of a folder without a store says so, and makes none',
    async (...args) => {
      const folder = '/nonexistent/agent-service';
      expect(await runCli(['keys', ...args], { DATA_DIR: folder })).toEqual({
        code: 1,
        stdout: '',
        stderr: `There is no embedded store in DATA_DIR ${folder}, and no DATABASE_URL is set.\n`,
      });
    },
  );
});
