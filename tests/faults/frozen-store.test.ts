import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type FakeProvider, startFakeProvider } from '../support/fake-provider.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { type ServiceUnderTest, startService } from '../support/service.ts';
import { readEvents } from '../support/sse.ts';
import { openTcpRelay } from '../support/tcp-relay.ts';

let provider: FakeProvider;

beforeAll(async () => {
  provider = await startFakeProvider();
});
beforeEach(async () => {
  await provider.reset();
  await provider.script({ text: 'Late.', hold: { name: 'busy' } });
});
afterAll(() => provider[Symbol.asyncDispose]());

/** Two services on one Postgres: one executes a run of session `s` that lasts, the other is behind a relay. */
async function openServices() {
  const opened = new AsyncDisposableStack();
  const database = opened.use(await createTestDatabase());
  const relay = opened.use(await openTcpRelay(database.url));
  const owner = opened.use(await startService({ provider, env: { DATABASE_URL: database.url } }));
  const env = { DATABASE_URL: relay.url, OPENAI_TIMEOUT: '2' };
  const behind = opened.use(await startService({ provider, env }));
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  opened.defer(() => client.end());
  await owner.post('/api/v1/runs', { message: 'Hi', session_id: 's' });
  await provider.held('busy');
  const queued = async (): Promise<string> => {
    const { rows } = await client.query<{ id: string }>(`select id from runs where status = 'queued'`);
    return rows[0]?.id ?? '';
  };
  const untilQueued = async () => {
    await expect.poll(queued).not.toBe('');
    return queued();
  };
  return { relay, behind, untilQueued, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** Resolves when a process has given up a query that the store does not answer: long after the time of the runs. */
const gaveUp = (service: ServiceUnderTest) =>
  service.logged(({ msg }) => msg === 'the connection for signals was lost').then(() => 'gave up' as const);

const body = { message: 'Hi', session_id: 's' };

describe('a Postgres that answers nothing any more, though its connections stay open, keeps nobody beyond the time of the run', () => {
  test('who waits for a run that has its turn in another process', async () => {
    await using services = await openServices();
    const answer = services.behind.post('/api/v1/run', body);
    const runId = await services.untilQueued();
    services.relay.freeze();
    expect(await Promise.race([answer, gaveUp(services.behind)])).toMatchObject({
      status: 503,
      body: { code: 'store_unavailable', run_id: runId },
    });
    services.relay.thaw();
  });

  test('who repeats a request with its idempotency key', async () => {
    await using services = await openServices();
    const headers = { 'idempotency-key': 'k' };
    const first = services.behind.post('/api/v1/run', body, headers);
    const runId = await services.untilQueued();
    const again = services.behind.post('/api/v1/run', body, headers);
    services.relay.freeze();
    const answers = Promise.all([first, again]);
    expect(await Promise.race([answers, gaveUp(services.behind)])).toMatchObject([
      { status: 503, body: { run_id: runId } },
      { status: 503 },
    ]);
    services.relay.thaw();
  });

  test('who follows a run of another process, from its creation or later', async () => {
    await using services = await openServices();
    const { behind } = services;
    const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    const created = readEvents(await fetch(`${behind.url}/api/v1/run/stream`, post));
    await created.until('run.created');
    const runId = await services.untilQueued();
    const followed = readEvents(await fetch(`${behind.url}/api/v1/runs/${runId}/events`));
    await followed.until('run.created');
    services.relay.freeze();
    const ends = Promise.all([
      created.until('stream.closing').then(({ event }) => event),
      followed.next().then(
        () => 'ended',
        () => 'ended', // cut: the client comes back with its last id
      ),
    ]);
    expect(await Promise.race([ends, gaveUp(behind)])).toEqual(['stream.closing', 'ended']);
    services.relay.thaw();
  });

  test('who comes while it does not answer', async () => {
    await using services = await openServices();
    services.relay.freeze();
    const answer = services.behind.post('/api/v1/run', { message: 'Hi' });
    expect(await Promise.race([answer, gaveUp(services.behind)])).toMatchObject({
      status: 503,
      body: { code: 'store_unavailable' },
    });
    services.relay.thaw();
  });
});
