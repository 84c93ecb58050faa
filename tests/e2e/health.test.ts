import { expect, test } from 'vitest';
import { startFakeProvider } from '../support/fake-provider.ts';
import { type ServiceUnderTest, startService } from '../support/service.ts';

async function untilReadiness(service: ServiceUnderTest, wanted: { status: number; body: Record<string, unknown> }) {
  for (;;) {
    const { status, body } = await service.get('/readyz');
    if (status === wanted.status && body.status === wanted.body.status) return body;
  }
}

test('a service whose provider answers is healthy and ready, on both ports', async () => {
  await using provider = await startFakeProvider();
  await using service = await startService({ provider });
  for (const base of [service.url, service.probeUrl]) {
    expect(await (await fetch(`${base}/healthz`)).json()).toEqual({ status: 'healthy' });
    expect(await (await fetch(`${base}/readyz`)).json()).toEqual({ status: 'ready' });
  }
});

test('without a key the simulated model makes the service ready', async () => {
  await using service = await startService();
  expect((await service.get('/readyz')).body).toEqual({ status: 'ready' });
});

test('a provider that answers with an error makes the service degraded, and still ready for traffic', async () => {
  await using provider = await startFakeProvider({ apiKey: 'sk-other' });
  await using service = await startService({ provider });
  const body = await untilReadiness(service, { status: 200, body: { status: 'degraded' } });
  expect(body.reason).toBe('the model provider returned status 401');
});

test('a provider that cannot be reached makes the service degraded', async () => {
  await using provider = await startFakeProvider();
  await provider.down();
  await using service = await startService({ provider });
  const body = await untilReadiness(service, { status: 200, body: { status: 'degraded' } });
  expect(body.reason).toBe('the model provider cannot be reached');
});

test('with READYZ_PROVIDER_DOWN=fail a provider that cannot be reached makes the service not ready', async () => {
  await using provider = await startFakeProvider();
  await provider.down();
  await using service = await startService({ provider, env: { READYZ_PROVIDER_DOWN: 'fail' } });
  const body = await untilReadiness(service, { status: 503, body: { status: 503 } });
  expect(body.detail).toBe('Not ready: the model provider cannot be reached');
});

test('a provider that never answers keeps no probe waiting', async () => {
  await using provider = await startFakeProvider();
  await provider.script({ when: { api: 'models' }, reply: { fault: { kind: 'hang' } } });
  await using service = await startService({ provider, env: { HEALTH_CHECK_TIMEOUT: '0.5' } });
  expect((await service.get('/readyz')).status).toBe(200);
  const body = await untilReadiness(service, { status: 200, body: { status: 'degraded' } });
  expect(body.reason).toBe('the model provider cannot be reached');
});

test('probes leave no line in the log', async () => {
  await using service = await startService();
  await service.logged(({ msg }) => msg?.includes('a simulated model answers') ?? false); // the last line of the start
  const before = service.logLines().length;
  for (let probe = 0; probe < 5; probe += 1) await service.get('/readyz');
  expect(service.logLines().length).toBe(before);
});
