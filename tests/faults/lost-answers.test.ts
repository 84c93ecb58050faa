import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type FakeProvider, startFakeProvider } from '../support/fake-provider.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { type ServiceUnderTest, startService } from '../support/service.ts';
import { readEvents } from '../support/sse.ts';
import { openTcpRelay, type TcpRelay } from '../support/tcp-relay.ts';
import { queryOnce } from './postgres-world.ts';

let provider: FakeProvider;
let database: TestDatabase;
let relay: TcpRelay;
let service: ServiceUnderTest;

beforeAll(async () => {
  provider = await startFakeProvider();
  database = await createTestDatabase();
  relay = await openTcpRelay(database.url);
  const env = { DATABASE_URL: relay.url, DATABASE_DIRECT_URL: database.url, RUN_LEASE: '3' };
  service = await startService({ provider, env });
});
beforeEach(() => provider.reset());
afterEach(() => relay.cutAnswersTo());
afterAll(async () => {
  await service?.[Symbol.asyncDispose]();
  await relay?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
  await provider?.[Symbol.asyncDispose]();
});

const unavailable = { status: 503, body: { code: 'store_unavailable' } };

/** Follows a run to its end. */
async function untilOver(runId: string): Promise<Record<string, unknown>> {
  await readEvents(await fetch(`${service.url}/api/v1/runs/${runId}/events`)).all();
  return (await service.get(`/api/v1/runs/${runId}`)).body;
}

const newest = async (): Promise<string> => {
  const { body } = await service.get('/api/v1/runs?limit=1');
  return (body.data as { run_id: string }[])[0]?.run_id ?? '';
};

describe('a run whose creation was committed, and the answer to that lost', () => {
  test.each(['run', 'run/stream'])('completes though its client has disconnected (%s)', async (path) => {
    const session_id = `gone-${path.length}`;
    relay.cutAnswersTo('create_run');
    expect(await service.post(`/api/v1/${path}`, { message: 'Hi', session_id })).toMatchObject(unavailable);
    relay.cutAnswersTo();
    expect(await untilOver(await newest())).toMatchObject({ status: 'completed', attempt: 2, crashes: 0 });
    // Its session is free again.
    const next = await service.post('/api/v1/run', { message: 'And?', session_id });
    expect(next).toMatchObject({ status: 200, body: { status: 'completed' } });
  });

  test('is found by the same request with its key, which gets its answer', async () => {
    const ask = () => service.post('/api/v1/run', { message: '[[text So it is.]]' }, { 'idempotency-key': 'key-1' });
    relay.cutAnswersTo('create_run');
    expect(await ask()).toMatchObject(unavailable);
    expect(await ask()).toMatchObject(unavailable); // that it was found is lost too
    relay.cutAnswersTo();
    const runId = await newest();
    expect(await ask()).toMatchObject({ status: 200, body: { run_id: runId, response: 'So it is.', attempt: 2 } });
    expect((await provider.stats()).requests).toBe(1);
  });

  test('completes however often the store fails meanwhile', async () => {
    relay.cutAnswersTo('create_run', 'owned_runs', 'hand_back_run', 'extend_lease');
    expect(await service.post('/api/v1/run', { message: 'Hi' })).toMatchObject(unavailable);
    await relay.lost(6);
    relay.cutAnswersTo('hand_back_run');
    await relay.lost(1);
    relay.cutAnswersTo();
    expect(await untilOver(await newest())).toMatchObject({ status: 'completed', crashes: 0 });
  });
});

test('a run that was claimed, and the answer to that lost, is claimed again', async () => {
  relay.cutAnswersTo('claim_runs');
  const { body } = await service.post('/api/v1/runs', { message: 'Hi' });
  const isClaimed = `select from runs where id = '${body.run_id}' and status = 'running' and attempt = 1`;
  while ((await queryOnce(database.url, isClaimed)).length === 0);
  relay.cutAnswersTo();
  expect(await untilOver(String(body.run_id))).toMatchObject({ status: 'completed', attempt: 2, crashes: 0 });
});

test('a run whose end was recorded, and the answer to that lost, has ended once', async () => {
  relay.cutAnswersTo('finish_run');
  const asked = service.post('/api/v1/run', { message: '[[text Done.]]', session_id: 's-end' });
  await relay.lost(2);
  relay.cutAnswersTo();
  expect(await asked).toMatchObject({ status: 200, body: { response: 'Done.', attempt: 1 } });
  const { body } = await service.get('/api/v1/sessions/s-end/items');
  expect(body.data).toHaveLength(2);
});
