import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type FakeProvider, startFakeProvider } from '../support/fake-provider.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { type LogLine, runCli, type ServiceUnderTest, startService } from '../support/service.ts';
import { executingPid, figure, latestWorkers, requestAlone, startedWorkers, untilStarted } from '../support/workers.ts';

const slots = 7;
const runsEnded = 'agent_service_run_duration_seconds_count';
const withMessage = (msg: string) => (line: LogLine) => line.msg === msg;
const stoppingIn =
  (number: number | undefined) =>
  ({ msg, worker }: LogLine) =>
    msg === 'stopping' && worker === number;

/** Each test starts three processes, or replaces one. */
describe('several processes on one host', () => {
  let database: TestDatabase;
  let provider: FakeProvider;

  beforeAll(async () => {
    [database, provider] = await Promise.all([createTestDatabase(), startFakeProvider()]);
  });
  beforeEach(() => provider.reset());
  afterAll(async () => {
    await provider?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  /** Two workers and their primary. */
  async function startTwo(): Promise<ServiceUnderTest> {
    const env = {
      DATABASE_URL: database.url,
      WEB_CONCURRENCY: '2',
      MAX_CONCURRENT_RUNS: `${slots}`,
      OPENAI_TIMEOUT: '120', // runs are held for as long as a busy machine takes to notice what is done to processes
      SHUTDOWN_GRACE: '120',
    };
    const service = await startService({ provider, env });
    await untilStarted(service, 2);
    return service;
  }

  const ask = (service: ServiceUnderTest, message = 'Hi') => requestAlone(`${service.url}/api/v1/run`, { message });

  /** Has both workers execute a run that waits for the provider; resolves with the answers to come. */
  async function occupyBoth(service: ServiceUnderTest): Promise<ReturnType<typeof ask>[]> {
    await provider.script({ reply: { text: 'Finished.', hold: 'in flight' } });
    const answers = [ask(service), ask(service)];
    await provider.held('in flight', 2);
    return answers;
  }

  describe('that serve', () => {
    let service: ServiceUnderTest;

    beforeAll(async () => {
      service = await startTwo();
    });
    afterAll(() => service?.[Symbol.asyncDispose]());

    test('share one port, and each writes its number into its log lines', async () => {
      const before = service.logLines().length;
      for (let n = 0; n < 4; n += 1) expect((await ask(service)).status).toBe(200);
      const ends = service.logLines().slice(before).filter(withMessage('run ended'));
      expect(ends.map(({ worker }) => worker).sort()).toEqual([1, 1, 2, 2]);
      const primary = await service.logged(withMessage('accepting requests'));
      expect(primary).toMatchObject({ pid: service.pid, workers: 2 });
      expect(primary).not.toHaveProperty('worker');
    });

    test('have one set of metrics: counters are summed, and values from the store appear once', async () => {
      const before = await figure(service, runsEnded);
      for (let n = 0; n < 4; n += 1) await ask(service);
      expect(await figure(service, runsEnded)).toBe(before + 4);
      expect(await figure(service, 'agent_service_slots')).toBe(2 * slots);
      expect(await figure(service, 'agent_service_workers')).toBe(2);
      const answers = await occupyBoth(service);
      expect(await figure(service, 'agent_service_slots{state="used"}')).toBe(2);
      expect(await figure(service, 'agent_service_runs{state="running"}')).toBe(2);
      expect(await figure(service, 'agent_service_demand')).toBe(2);
      await provider.release('in flight', 2);
      for (const answer of answers) expect((await answer).status).toBe(200);
    });

    test('replace one that is killed: its run goes on elsewhere, and no figure falls', async () => {
      const started = startedWorkers(service).length;
      const endsBefore = await figure(service, 'agent_service_worker_ends_total');
      await ask(service);
      await provider.script({ reply: { text: 'Finished.', hold: 'in flight' } });
      const { body: created } = await requestAlone(`${service.url}/api/v1/runs`, { message: 'Go on' });
      await provider.held('in flight');
      const counted = await figure(service, runsEnded);
      expect(counted).toBeGreaterThan(0);
      const killed = await executingPid(database.url, created.run_id);
      process.kill(killed, 'SIGKILL');
      await service.logged(({ msg, end, ended }) => {
        const dead = startedWorkers(service).find(({ pid }) => pid === killed);
        return msg === 'a worker ended; another takes its place' && end === 'SIGKILL' && ended === dead?.worker;
      });
      expect(await figure(service, runsEnded)).toBe(counted);
      expect((await fetch(`${service.probeUrl}/readyz`)).status).toBe(200);
      await provider.waitFor(({ stats }) => stats.aborted === 1 && stats.held['in flight'] === 1);
      await provider.release('in flight');
      await service.logged(({ msg, runId }) => msg === 'run ended' && runId === created.run_id);
      const { body } = await requestAlone(`${service.url}/api/v1/runs/${created.run_id}`);
      expect(body).toMatchObject({ status: 'completed', attempt: 2, crashes: 1 });
      expect(await figure(service, runsEnded)).toBe(counted + 1);
      expect(await figure(service, 'agent_service_worker_ends_total')).toBe(endsBefore + 1);
      await untilStarted(service, started + 1);
      expect(await figure(service, 'agent_service_workers')).toBe(2);
    });

    test('fail no request when one of them drains: the others serve on, and another one replaces it', async () => {
      const started = startedWorkers(service).length;
      await provider.script({ when: { lastUserContains: 'Stay' }, reply: { text: 'Finished.', hold: 'in flight' } });
      const staying = ask(service, 'Stay');
      await provider.held('in flight');
      const { body: running } = await requestAlone(`${service.url}/api/v1/runs?status=running`);
      const [run] = running.data as [{ run_id: string }];
      const leaving = await executingPid(database.url, run.run_id);
      process.kill(leaving, 'SIGTERM');
      await service.logged(({ msg, pid }) => msg === 'stopping' && pid === leaving);
      for (let n = 0; n < 20; n += 1) expect((await ask(service)).status).toBe(200);
      await provider.release('in flight');
      expect((await staying).status).toBe(200);
      await untilStarted(service, started + 1);
    });
  });

  test('are all drained by one SIGTERM: readiness is off at once, runs in flight are answered, nothing is left', async () => {
    await using service = await startTwo();
    const answers = await occupyBoth(service);
    service.kill('SIGTERM');
    await service.logged(stoppingIn(undefined));
    const readiness = await fetch(`${service.probeUrl}/readyz`);
    expect(readiness.status).toBe(503);
    expect(await readiness.json()).toMatchObject({ detail: 'Not ready: draining' });
    expect((await fetch(`${service.probeUrl}/healthz`)).status).toBe(200);
    for (const number of [1, 2]) await service.logged(stoppingIn(number));
    await provider.release('in flight', 2);
    for (const answer of answers) expect((await answer).status).toBe(200);
    expect(await service.exited).toBe(0);
    await service.allExited;
  });

  test('drain once when a terminal signals each of them, and end at once when it does so again', async () => {
    await using service = await startTwo();
    const answers = (await occupyBoth(service)).map((answer) => answer.catch(() => 'connection lost'));
    const pids = [...latestWorkers(service).map(({ pid }) => pid), service.pid];
    const interrupt = () => pids.map((pid) => process.kill(pid, 'SIGINT'));
    interrupt();
    for (const number of [undefined, 1, 2]) await service.logged(stoppingIn(number));
    // Each goes on taking connections, as one does that ends with all others.
    expect((await requestAlone(`${service.url}/healthz`)).status).toBe(200);
    interrupt();
    expect(await service.exited).toBe(1);
    expect(await Promise.all(answers)).toEqual(['connection lost', 'connection lost']);
    await service.allExited;
  });

  test('finish what they have in hand and end when their primary is killed', async () => {
    await using service = await startTwo();
    const answers = await occupyBoth(service);
    service.kill('SIGKILL');
    expect(await service.exited).toBe('SIGKILL');
    for (const number of [1, 2]) await service.logged(stoppingIn(number));
    await provider.release('in flight', 2);
    for (const answer of answers) expect((await answer).status).toBe(200);
    await service.allExited;
  });

  const ports = { APP_ENV: 'test', HOST: '127.0.0.1', PORT: '0', METRICS_PORT: '0' };

  test('end with the message, once, where the first one cannot start', async () => {
    const env = { ...ports, DATABASE_URL: database.url, WEB_CONCURRENCY: '3', FAIL: 'onStart' };
    const { code, stdout, stderr } = await runCli(['start', 'tests/support/apps/hooks.ts'], env);
    expect(code).toBe(1);
    expect(stderr.match(/Error: onStart failed 4711/g)).toHaveLength(1);
    expect(stdout.match(/onStart began/g)).toHaveLength(1);
  });

  test('end with one line where the store cannot be reached', async () => {
    const env = { ...ports, DATABASE_URL: 'postgres://app@127.0.0.1:1/main', WEB_CONCURRENCY: '2' };
    const { code, stderr } = await runCli(['start', 'tests/support/apps/desk.ts'], env);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^DATABASE_URL leads to [^\n]+\n$/)]);
  });

  test('are refused on the embedded store, with the reason and the mend', async () => {
    const env = { ...ports, WEB_CONCURRENCY: '2' };
    const { code, stderr } = await runCli(['start', 'tests/support/apps/desk.ts'], env);
    expect(code).toBe(1);
    expect(stderr).toContain('WEB_CONCURRENCY: found "2"; allowed: 1 on the embedded store');
    expect(stderr).toContain('set DATABASE_URL to a Postgres');
  });
});
