import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { startFakeProvider } from '../support/fake-provider.ts';
import { startService } from '../support/service.ts';
import { readEvents } from '../support/sse.ts';

const post = (url: string, body: unknown) =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

const stopping = ({ msg }: { msg?: string }) => msg === 'stopping';

test.each(['SIGTERM', 'SIGINT'] as const)(
  'on %s a run in flight is finished and answered, then the process ends with 0',
  async (signal) => {
    await using provider = await startFakeProvider();
    await using service = await startService({ provider });
    await provider.script({ text: 'Finished.', hold: 'in flight' });
    const running = post(`${service.url}/api/v1/run`, { message: 'Hi' });
    await provider.held('in flight');
    service.kill(signal);
    await service.logged(stopping);
    await provider.release('in flight');
    const response = await running;
    expect(response.status).toBe(200);
    expect(response.headers.get('connection')).toBe('close');
    expect(await response.json()).toMatchObject({ response: 'Finished.' });
    expect(await service.exited).toBe(0);
  },
);

test('on SIGTERM readiness is off at once and liveness stays', async () => {
  await using provider = await startFakeProvider();
  await using service = await startService({ provider });
  await provider.script({ text: 'Finished.', hold: 'in flight' });
  const running = post(`${service.url}/api/v1/run`, { message: 'Hi' });
  await provider.held('in flight');
  service.kill('SIGTERM');
  await service.logged(stopping);
  for (const base of [service.url, service.probeUrl]) {
    const readiness = await fetch(`${base}/readyz`);
    expect(readiness.status).toBe(503);
    expect(await readiness.json()).toMatchObject({ detail: 'Not ready: draining' });
    expect((await fetch(`${base}/healthz`)).status).toBe(200);
  }
  await provider.release('in flight');
  expect((await running).status).toBe(200);
  expect(await service.exited).toBe(0);
});

test('on SIGTERM new runs are refused with 503 while one in flight goes on', async () => {
  await using provider = await startFakeProvider();
  await using service = await startService({ provider });
  await provider.script({ text: 'Finished.', hold: 'in flight' });
  const running = post(`${service.url}/api/v1/run`, { message: 'Hi' });
  await provider.held('in flight');
  service.kill('SIGTERM');
  await service.logged(stopping);
  const refused = await post(`${service.url}/api/v1/run`, { message: 'Too late' });
  expect(refused.status).toBe(503);
  expect(refused.headers.get('retry-after')).toBe('1');
  expect(await refused.json()).toMatchObject({ code: 'shutting_down', detail: 'Service shutting down' });
  await provider.release('in flight');
  expect((await running).status).toBe(200);
  expect(await service.exited).toBe(0);
});

test('during PRESTOP_DELAY new runs are still accepted, though readiness is off', async () => {
  await using provider = await startFakeProvider();
  await using service = await startService({ provider, env: { PRESTOP_DELAY: '2' } });
  service.kill('SIGTERM');
  await service.logged(stopping);
  expect((await fetch(`${service.url}/readyz`)).status).toBe(503);
  const response = await post(`${service.url}/api/v1/run`, { message: 'Hi' });
  expect(response.status).toBe(200);
  expect(response.headers.get('connection')).toBe('close');
  expect(await service.exited).toBe(0);
});

test('on SIGTERM a stream is sent to its end', async () => {
  await using provider = await startFakeProvider();
  await using service = await startService({ provider });
  await provider.script({ text: 'one two three', hold: { name: 'half way', afterTokens: 1 } });
  const events = readEvents(await post(`${service.url}/api/v1/run/stream`, { message: 'Hi' }));
  await events.until('text.delta');
  service.kill('SIGTERM');
  await service.logged(stopping);
  await provider.release('half way');
  expect((await events.all()).at(-1)).toMatchObject({ event: 'run.completed' });
  expect(await service.exited).toBe(0);
});

test('a run that outlasts SHUTDOWN_GRACE is handed back, its caller gets its id, and it goes on after a restart', async () => {
  await using provider = await startFakeProvider();
  await using service = await startService({ provider, env: { SHUTDOWN_GRACE: '0.3' } });
  await provider.script({
    when: { streamed: true },
    times: 1,
    reply: { text: 'one two', fault: { kind: 'hang', afterTokens: 1 } },
  });
  await provider.script({ when: { streamed: false }, times: 1, reply: { text: 'Never.', hold: 'stuck' } });
  await provider.script({ reply: 'Here.' });
  const running = post(`${service.url}/api/v1/run`, { message: 'Hi' });
  const events = readEvents(await post(`${service.url}/api/v1/run/stream`, { message: 'Hi' }));
  await events.until('text.delta');
  await provider.held('stuck');
  service.kill('SIGTERM');
  const response = await running;
  expect(response.status).toBe(503);
  const problem = (await response.json()) as { run_id: string };
  expect(problem).toMatchObject({ code: 'shutting_down', run_id: expect.stringMatching(/^run_/) });
  expect((await events.all()).at(-1)).toMatchObject({ event: 'stream.closing' });
  expect(await service.exited).toBe(1);
  await provider.waitFor(({ stats }) => stats.aborted === 2);
  await using successor = await startService({ provider, dataDir: service.dataDir });
  const resumed = readEvents(await fetch(`${successor.url}/api/v1/runs/${problem.run_id}/events`));
  expect((await resumed.until('run.resumed')).data).toMatchObject({ after: 'handback' });
  await resumed.until('run.completed');
  const { body } = await successor.get(`/api/v1/runs/${problem.run_id}`);
  expect(body).toMatchObject({ status: 'completed', response: 'Here.', attempt: 2, crashes: 0 });
});

test.each(['0', '0.3'])(
  'once new runs are refused (PRESTOP_DELAY=%s), a connection that is kept is ended, while a run goes on',
  async (delay) => {
    await using provider = await startFakeProvider();
    await using service = await startService({ provider, env: { PRESTOP_DELAY: delay } });
    await provider.script({ text: 'Finished.', hold: 'in flight' });
    const running = post(`${service.url}/api/v1/run`, { message: 'Hi' });
    await provider.held('in flight');
    const agent = new Agent({ keepAlive: true });
    const [kept] = (await once(get(`${service.url}/healthz`, { agent }), 'response')) as [IncomingMessage];
    expect(kept.headers.connection).toBe('keep-alive');
    const ended = once(kept.socket, 'close');
    kept.resume();
    service.kill('SIGTERM');
    await ended;
    expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
    await provider.release('in flight');
    expect((await running).status).toBe(200);
    expect(await service.exited).toBe(0);
    agent.destroy();
  },
);

test('an idle keep-alive connection does not hold the end up', async () => {
  await using service = await startService();
  await service.get('/healthz'); // fetch keeps the connection
  service.kill('SIGTERM');
  expect(await service.exited).toBe(0);
});

test('a second signal ends the process at once', async () => {
  await using provider = await startFakeProvider();
  await using service = await startService({ provider });
  await provider.script({ text: 'Never.', hold: 'stuck' });
  const lost = post(`${service.url}/api/v1/run`, { message: 'Hi' }).catch(() => 'connection lost');
  await provider.held('stuck');
  service.kill('SIGTERM');
  await service.logged(stopping);
  service.kill('SIGTERM');
  expect(await service.exited).toBe(1);
  expect(await lost).toBe('connection lost');
});

test.each(['rejection', 'exception'])(
  'a stray %s is logged with its stack, drains, and ends the process with 1',
  async (kind) => {
    await using provider = await startFakeProvider();
    await using service = await startService({ provider, app: 'tests/support/apps/stray.ts', env: { STRAY: kind } });
    await provider.script({ turns: [{ toolCalls: [{ name: 'leave_error' }] }, 'Done.'] });
    const running = post(`${service.url}/api/v1/run`, { message: 'Hi' });
    const line = await service.logged(({ level }) => level === 'fatal');
    expect(JSON.stringify(line)).toContain('stray 4711');
    expect(JSON.stringify(line)).toContain('stray.ts');
    expect((await running).status).toBe(200);
    expect(await service.exited).toBe(1);
  },
);
