import { describe, expect, test } from 'vitest';
import { startFakeProvider } from '../support/fake-provider.ts';
import { type ServiceUnderTest, startService } from '../support/service.ts';

/** A figure of the process, by its name and labels as they are written; 0 if it is not there yet. */
async function figure(service: ServiceUnderTest, name: string): Promise<number> {
  const text = await (await fetch(`${service.probeUrl}/metrics`)).text();
  const line = text.split('\n').find((each) => each.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1) ?? 0);
}

async function untilWaiting(service: ServiceUnderTest, callers: number): Promise<void> {
  while ((await figure(service, 'agent_service_admission_waiting')) !== callers);
}

const runsOf = async (service: ServiceUnderTest) => (await service.get('/api/v1/runs')).body.data as unknown[];

/** A service with one place, which a run holds until `release` is called. */
async function startFull(env: Record<string, string> = {}) {
  const provider = await startFakeProvider();
  const service = await startService({ provider, env: { MAX_CONCURRENT_RUNS: '1', ...env } });
  await provider.script({ when: { lastUserContains: 'hold' }, reply: { text: 'Held.', hold: 'full' } });
  const holder = service.post('/api/v1/run', { message: 'hold' });
  await provider.held('full');
  return {
    service,
    holder,
    release: () => provider.release('full'),
    async [Symbol.asyncDispose]() {
      await service[Symbol.asyncDispose]();
      await provider[Symbol.asyncDispose]();
    },
  };
}

describe('callers for whom there is no place', () => {
  test('wait without a row, are seen by the autoscaler, and have their wait counted as such', async () => {
    await using full = await startFull();
    const { service } = full;
    const waiting = service.post('/api/v1/run', { message: 'next' });
    const streamed = service.post('/api/v1/run/stream', { message: 'then' });
    await untilWaiting(service, 2);
    expect(await runsOf(service)).toHaveLength(1);
    expect(await figure(service, 'agent_service_demand')).toBe(1);
    await full.release();
    expect((await full.holder).status).toBe(200);
    const { status, body } = await waiting;
    expect([status, (await streamed).status]).toEqual([200, 200]);
    const { queued_ms, running_ms, total_ms } = body.timings as Record<string, number>;
    expect(queued_ms).toBeGreaterThan(0);
    expect(total_ms).toBe((queued_ms ?? 0) + (running_ms ?? 0));
    expect(await figure(service, 'agent_service_admission_waiting')).toBe(0);
    expect(await figure(service, 'agent_service_admission_wait_seconds_count')).toBe(2);
  });

  test('leave the line when they hang up, and no run is made', async () => {
    await using full = await startFull();
    const { service } = full;
    const client = new AbortController();
    const waiting = fetch(`${service.url}/api/v1/run`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ message: 'never mind' }),
      signal: client.signal,
    }).catch((error: Error) => error.name);
    await untilWaiting(service, 1);
    client.abort();
    expect(await waiting).toBe('AbortError');
    await untilWaiting(service, 0);
    await full.release();
    await full.holder;
    expect(await runsOf(service)).toHaveLength(1);
  });

  test('are sent away at their deadline, with a time to come back', async () => {
    await using full = await startFull();
    const { status, body, headers } = await full.service.post('/api/v1/run', { message: 'soon', timeout_s: 1 });
    expect([status, body.code, body.run_id]).toEqual([429, 'too_many_runs', undefined]);
    expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(await figure(full.service, 'agent_service_shed_total{reason="deadline"}')).toBe(1);
    expect(await runsOf(full.service)).toHaveLength(1);
    await full.release();
    await full.holder;
  });

  test('are refused when the process stops; the run that has a slot ends', async () => {
    await using full = await startFull();
    const waiting = full.service.post('/api/v1/run', { message: 'next' });
    await untilWaiting(full.service, 1);
    full.service.kill('SIGTERM');
    const { status, body, headers } = await waiting;
    expect([status, body.code, body.run_id]).toEqual([503, 'shutting_down', undefined]);
    expect(headers.get('retry-after')).toBe('1');
    await full.release();
    expect((await full.holder).status).toBe(200);
    expect(await full.service.exited).toBe(0);
  });
});

test('while a tool holds the event loop new runs are refused unread, all else is answered, and then it is over', async () => {
  await using provider = await startFakeProvider();
  await using service = await startService({
    provider,
    app: 'tests/support/apps/blocking.ts',
    env: { EVENT_LOOP_DELAY_MAX: '0.5' },
  });
  await provider.script({ turns: [{ toolCalls: [{ name: 'block', arguments: { for_ms: 5_000 } }] }, 'Blocked.'] });
  while ((await figure(service, 'agent_service_event_loop_delay_seconds')) > 0.4); // of its start
  const blocking = service.post('/api/v1/run', { message: 'block' });
  await service.logged(({ msg }) => msg === 'blocking');
  const asked = ['/api/v1/run', '/api/v1/run/stream', '/api/v1/runs'].map((path) => service.post(path, '{ not JSON'));
  const read = ['/api/v1/runs', '/api/v1/agents', '/healthz', '/readyz'].map((path) => service.get(path));
  for (const { status, body, headers } of await Promise.all(asked)) {
    expect([status, body.code]).toEqual([429, 'too_many_runs']);
    expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(2);
  }
  for (const { status } of await Promise.all(read)) expect(status).toBe(200);
  expect((await blocking).status).toBe(200);
  expect(await figure(service, 'agent_service_shed_total{reason="event_loop"}')).toBe(3);
  while ((await service.post('/api/v1/run', { message: 'Hi' })).status !== 200);
});
