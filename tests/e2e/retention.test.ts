import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCommand } from '../support/command.ts';
import { type EngineUnderTest, engines } from '../support/engines.ts';
import { type FakeProvider, startFakeProvider } from '../support/fake-provider.ts';
import { runCli, type ServiceUnderTest, startService } from '../support/service.ts';
import { type StoreRows, storeRows } from '../support/store-rows.ts';

const dayMs = 24 * 3_600_000;

describe.each(engines)('retention on $name', ({ open }) => {
  let engine: EngineUnderTest;
  let provider: FakeProvider;
  let service: ServiceUnderTest;
  let rows: StoreRows;
  let env: Record<string, string>;

  beforeAll(async () => {
    [engine, provider] = await Promise.all([open(), startFakeProvider()]);
    service = await startService({ provider, env: engine.env });
    rows = storeRows({ env: engine.env, dataDir: service.dataDir });
    env = { DATA_DIR: service.dataDir, ...engine.env };
  });
  afterAll(async () => {
    await service?.[Symbol.asyncDispose]();
    await provider?.[Symbol.asyncDispose]();
    await engine?.[Symbol.asyncDispose]();
  });

  const run = async (message: string, session_id?: string, headers?: Record<string, string>): Promise<string> => {
    const { status, body } = await service.post('/api/v1/run', { message, session_id }, headers);
    expect(status).toBe(200);
    return body.run_id as string;
  };
  const statusOf = async (path: string) => (await service.get(`/api/v1/${path}`)).status;
  const deleteSession = (session: string) => service.request(`/api/v1/sessions/${session}`, { method: 'DELETE' });

  test('prune removes old runs while the service runs, and says first, if asked, how many', async () => {
    const old = [await run('Hello old one', 's-old'), await run('Hi', 's-old')];
    const young = await run('Hi', 's-old');
    await rows.ageRuns(31 * dayMs, old);

    const counted = await runCli(['prune', '--dry-run'], env);
    expect(counted).toEqual({
      code: 0,
      stdout:
        '2 runs and 0 idempotency keys would be removed: runs that ended more than 30 days ago, and keys that have expired.\n',
      stderr: '',
    });
    expect(await statusOf(`runs/${old[0]}`)).toBe(200);

    const pruned = await runCli(['prune'], env);
    expect(pruned).toEqual({
      code: 0,
      stdout:
        '2 runs and 0 idempotency keys removed: runs that ended more than 30 days ago, and keys that had expired.\n',
      stderr: '',
    });
    for (const id of old)
      for (const path of [`runs/${id}`, `runs/${id}/steps`, `runs/${id}/events`])
        expect(await statusOf(path)).toBe(404);
    expect(await statusOf(`runs/${young}`)).toBe(200);

    // The conversation stays, and goes on.
    const items = (await service.get('/api/v1/sessions/s-old/items')).body.data as { run_id: string }[];
    expect(items.map(({ run_id }) => run_id)).toEqual([...old, ...old, young, young].toSorted());
    await run('And now?', 's-old');
    expect(JSON.stringify((await provider.requests()).at(-1)?.body)).toContain('Hello old one');
    expect((await runCli(['prune'], env)).stdout).toMatch(/^0 runs and 0 idempotency keys removed/);
  });

  test('prune takes the age of its option', async () => {
    const id = await run('Hi');
    await rows.ageRuns(2 * dayMs, [id]);
    expect((await runCli(['prune', '--older-than', '3 days'], env)).stdout).toMatch(/^0 runs .* more than 3 days ago/);
    expect((await runCli(['prune', '--older-than', '1d'], env)).stdout).toMatch(/^1 run .* more than 1 day ago/);
    expect(await statusOf(`runs/${id}`)).toBe(404);
  });

  test('prune of many runs tells how far it is, ends at a signal, and goes on the next time', async () => {
    const id = await run('Hi');
    await rows.copyRun(id, 10_000);
    await rows.ageRuns(100 * dayMs, [id]);
    await rows.ageRuns(50 * dayMs); // the copies, and all others
    await using command = startCommand(['prune', '--older-than', '40 days'], { env });
    await command.printed(/\d+ of 10,0\d\d runs removed/);
    command.kill('SIGTERM');
    expect(await command.closed).toBe(143);
    const [, removed] = /Stopped: ([\d,]+) runs .* removed so far. Run it again to go on./.exec(command.output()) ?? [];
    expect(Number(removed?.replace(',', ''))).toBeLessThan(10_000);

    const rest = await runCli(['prune', '--older-than', '40 days'], env);
    expect(rest.code).toBe(0);
    expect((await service.get('/api/v1/runs')).body.data).toEqual([]);
    expect(await run('Still there?')).toMatch(/^run_/);
  });

  test('a session that is deleted takes its runs with it, their steps, events and keys, and no others', async () => {
    const key = { 'idempotency-key': 'order-1' };
    const gone = [await run('My name is secret 4711', 's-gone', key), await run('Hi', 's-gone')];
    const kept = await run('Hi', 's-kept');
    expect((await deleteSession('s-gone')).status).toBe(204);
    for (const id of gone)
      for (const path of [`runs/${id}`, `runs/${id}/steps`, `runs/${id}/events`])
        expect(await statusOf(path)).toBe(404);
    expect(await statusOf(`runs/${kept}`)).toBe(200);
    expect((await service.get('/api/v1/runs')).text).not.toContain('4711');
    // The key stands for nothing any more: it may be used for another request.
    expect(gone).not.toContain(await run('Another one', 's-gone', key));
    expect((await service.get('/api/v1/sessions/s-gone')).body).toMatchObject({ runs_count: 1 });
  });

  test('a session of thousands of runs is deleted as a whole while others work', async () => {
    const id = await run('Hi', 's-long');
    await rows.copyRun(id, 3_000);
    const deleted = deleteSession('s-long');
    const others = await Promise.all(Array.from({ length: 20 }, (_, n) => run('Hi', `s-${n}`)));
    expect((await deleted).status).toBe(204);
    expect((await service.get('/api/v1/runs?session_id=s-long')).body.data).toEqual([]);
    for (const other of others) expect(await statusOf(`runs/${other}`)).toBe(200);
  });

  test('RUN_RETENTION has the service prune by itself, with a figure and a line in its log', async () => {
    const id = await run('Hi');
    await rows.ageRuns(3_600_000, [id]);
    await using second = await startService({
      provider,
      // On the embedded store one process executes runs.
      ...(engine.env.DATABASE_URL ? {} : await takeOver()),
      env: { ...engine.env, RUN_RETENTION: '60' },
    });
    const line = await second.logged(({ msg }) => msg === 'old runs and idempotency keys pruned');
    expect(line).toMatchObject({ level: 'info' });
    expect(line.runs).toBeGreaterThanOrEqual(1);
    expect((await second.get(`/api/v1/runs/${id}`)).status).toBe(404);
    const figures = await (await fetch(`${second.probeUrl}/metrics`)).text();
    expect(figures).toContain(`agent_service_pruned_runs_total ${line.runs}`);
  });

  async function takeOver() {
    service.kill('SIGTERM');
    await service.exited;
    return { dataDir: service.dataDir };
  }
});

describe('prune', () => {
  test('that is not told which runs, where they are kept for ever, asks for it', async () => {
    const { code, stdout, stderr } = await runCli(['prune'], { RUN_RETENTION: 'never' });
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: '',
      stderr: 'RUN_RETENTION is never. Say which runs, such as --older-than "90 days".\n',
    });
  });

  test('of a folder without a store says so, and makes none', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'agent-service-none-'));
    try {
      for (let time = 0; time < 2; time += 1) {
        const { code, stderr } = await runCli(['prune'], { DATA_DIR: folder });
        expect([code, stderr]).toEqual([
          1,
          `There is no embedded store in DATA_DIR ${folder}, and no DATABASE_URL is set.\n`,
        ]);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('names a database that it cannot reach, without its password', async () => {
    const { code, stderr } = await runCli(['prune'], { DATABASE_URL: 'postgres://me:secret@127.0.0.1:1/db' });
    expect(code).toBe(1);
    expect(stderr).toContain('database "db" on 127.0.0.1:1');
    expect(stderr).not.toContain('secret');
  });
});
