import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type FakeProvider, startFakeProvider } from '../support/fake-provider.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { type LogLine, runCli, type ServiceUnderTest, startService } from '../support/service.ts';
import { readEvents } from '../support/sse.ts';
import { figure, requestAlone } from '../support/workers.ts';

const nobodyExecutes = ({ msg }: LogLine) => msg?.startsWith('runs in the background wait') === true;
const endedHere = (runId: unknown) => (line: LogLine) => line.msg === 'run ended' && line.runId === runId;
describe('processes in roles', () => {
  let provider: FakeProvider;
  let database: TestDatabase;
  let api: ServiceUnderTest;

  const start = (role: 'api' | 'worker', env: Record<string, string> = {}) =>
    startService({ provider, env: { DATABASE_URL: database.url, PROCESS_ROLE: role, ...env } });

  const eventsOf = async (runId: unknown) => readEvents(await fetch(`${api.url}/api/v1/runs/${runId}/events`));

  /** Approves the one call that a run waits with. */
  async function approve(runId: unknown): Promise<void> {
    const { body } = await api.get(`/api/v1/runs/${runId}`);
    const [{ call_id }] = (body.required_action as { items: [{ call_id: string }] }).items;
    const decisions = [{ call_id, decision: 'approve' }];
    expect((await api.post(`/api/v1/runs/${runId}/decisions`, { decisions })).status).toBeLessThan(300);
  }

  beforeAll(async () => {
    [database, provider] = await Promise.all([createTestDatabase(), startFakeProvider()]);
    api = await start('api');
  });
  beforeEach(() => provider.reset());
  afterAll(async () => {
    await api?.[Symbol.asyncDispose]();
    await provider?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  test('an api process executes the blocking and streamed runs that it receives', async () => {
    const { status, body } = await api.post('/api/v1/run', { message: 'Hi' });
    expect([status, body.status]).toEqual([200, 'completed']);
    await api.logged(endedHere(body.run_id));
    const headers = { 'content-type': 'application/json' };
    const request = { method: 'POST', headers, body: JSON.stringify({ message: 'Hi' }) };
    const events = await readEvents(await fetch(`${api.url}/api/v1/run/stream`, request)).all();
    expect(events.at(-1)?.event).toBe('run.completed');
  });

  test('an api process alone executes a blocking run that had to wait for its session', async () => {
    await provider.script({ text: 'First.', hold: 'first' });
    const first = api.post('/api/v1/run', { message: 'One', session_id: 'in-line' });
    await provider.held('first');
    const second = api.post('/api/v1/run', { message: 'Two', session_id: 'in-line' });
    const listed = async () => (await api.get('/api/v1/runs?session_id=in-line')).body.data as { status: string }[];
    while (!(await listed()).some(({ status }) => status === 'queued'));
    await provider.release('first');
    expect((await first).body.status).toBe('completed');
    expect((await second).body.status).toBe('completed');
  });

  test('an api process alone goes on with a blocking run after a person has decided', async () => {
    await provider.script({ turns: [{ toolCalls: [{ name: 'refund', arguments: { order_id: '1' } }] }, 'Refunded.'] });
    const { status, body } = await api.post('/api/v1/run', { message: 'Refund it' });
    expect([status, body.status]).toEqual([202, 'requires_action']);
    await approve(body.run_id);
    expect((await (await eventsOf(body.run_id)).all()).at(-1)?.event).toBe('run.completed');
    await api.logged(endedHere(body.run_id));
  });

  test('an api process goes on with a blocking run that another one had to hand back', async () => {
    await using leaving = await start('api', { SHUTDOWN_GRACE: '0.2' });
    await provider.script({ times: 1, reply: { text: 'Never.', hold: 'stuck' } });
    const cut = requestAlone(`${leaving.url}/api/v1/run`, { message: 'Hi' });
    await provider.held('stuck');
    leaving.kill('SIGTERM');
    const { status, body } = await cut;
    expect([status, body.code]).toEqual([503, 'shutting_down']);
    await leaving.exited;
    expect((await (await eventsOf(body.run_id)).all()).at(-1)?.event).toBe('run.completed');
    await api.logged(endedHere(body.run_id));
  });

  test('runs in the background wait for a worker, with a warning; then an api process tells what happens there', async () => {
    await provider.script({ text: 'one two three', hold: { name: 'half way', afterTokens: 1 } });
    const { body } = await api.post('/api/v1/runs', { message: 'Later' });
    expect(await api.logged(nobodyExecutes)).toMatchObject({ level: 'warn', runs: 1 });
    expect((await api.get(`/api/v1/runs/${body.run_id}`)).body.status).toBe('queued');
    const events = await eventsOf(body.run_id);
    await using worker = await start('worker');
    await events.until('run.started');
    await provider.held('half way');
    await provider.release('half way');
    expect((await events.all()).at(-1)?.event).toBe('run.completed');
    await worker.logged(endedHere(body.run_id));
    await api.logged(({ msg }) => msg === 'a process executes runs in the background again');
  });

  test('a worker answers probes and scrapes, and takes no requests', async () => {
    await using worker = await start('worker', { MAX_CONCURRENT_RUNS: '3' });
    const line = await worker.logged(({ msg }) => msg === 'executing runs');
    expect(line).toMatchObject({ url: null, role: 'worker' });
    expect((await fetch(`${worker.probeUrl}/readyz`)).status).toBe(200);
    expect(await figure(worker, 'agent_service_slots')).toBe(3);
    expect((await fetch(`${worker.probeUrl}/api/v1/runs`)).status).toBe(404);
    worker.kill('SIGTERM');
    expect(await worker.exited).toBe(0);
  });

  test('a worker goes on with a run in the background after a person has decided at an api process', async () => {
    await using worker = await start('worker');
    await provider.script({ turns: [{ toolCalls: [{ name: 'refund', arguments: { order_id: '1' } }] }, 'Refunded.'] });
    const { body } = await api.post('/api/v1/runs', { message: 'Refund it' });
    await (await eventsOf(body.run_id)).until('run.requires_action');
    await approve(body.run_id);
    await worker.logged(endedHere(body.run_id));
    expect((await api.get(`/api/v1/runs/${body.run_id}`)).body).toMatchObject({ status: 'completed', attempt: 2 });
  });

  test.each(['api', 'worker'])('role %s is refused on the embedded store, which has one process', async (role) => {
    const { code, stderr } = await runCli(['start', 'tests/support/apps/desk.ts'], {
      APP_ENV: 'test',
      PROCESS_ROLE: role,
    });
    expect([code, stderr]).toEqual([1, expect.stringContaining(`PROCESS_ROLE: found "${role}"; allowed: all on the`)]);
  });
});
