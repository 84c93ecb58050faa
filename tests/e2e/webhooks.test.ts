import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type EngineUnderTest, engines } from '../support/engines.ts';
import { type FakeProvider, startFakeProvider } from '../support/fake-provider.ts';
import { startProcesses } from '../support/processes.ts';
import { type Answer, type ServiceUnderTest, startService } from '../support/service.ts';
import { type Received, signingSecret, startReceiver, type WebhookReceiver } from '../support/webhook-receiver.ts';

type Delivery = Record<string, unknown> & { id: string; run_id: string; status: string; attempts: number };
const dataOf = ({ body }: Answer) => body.data as Delivery[];

/** Several processes, one after the other, take their time on a busy machine. */
const signing = { WEBHOOK_SIGNING_SECRET: signingSecret };
const refundTurns = { turns: [{ toolCalls: [{ name: 'refund', arguments: { order_id: '7' } }] }, 'Refunded.'] };

const create = (service: ServiceUnderTest, webhook: object, message = 'Hi', more: object = {}) =>
  service.post('/api/v1/runs', { message, webhook, ...more });

async function createRun(service: ServiceUnderTest, webhook: object, message?: string, more?: object): Promise<string> {
  const { status, body } = await create(service, webhook, message, more);
  expect(status).toBe(202);
  return body.run_id as string;
}

const about =
  (runId: string, type?: string) =>
  ({ payload }: Received): boolean =>
    payload.data.run.run_id === runId && (type === undefined || payload.type === type);

/** The deliveries of a run, once this holds of them. */
async function deliveries(service: ServiceUnderTest, runId: string, isSo: (all: Delivery[]) => boolean) {
  for (;;) {
    const all = dataOf(await service.get(`/api/v1/webhooks?run_id=${runId}`));
    if (isSo(all)) return all;
  }
}

const inStatus = (service: ServiceUnderTest, runId: string, status: string) =>
  deliveries(service, runId, (all) => all.length > 0 && all.every((each) => each.status === status));

describe.each(engines)('webhooks on $name', ({ open }) => {
  let engine: EngineUnderTest;
  let provider: FakeProvider;
  let service: ServiceUnderTest;
  let receiver: WebhookReceiver;

  beforeAll(async () => {
    [engine, provider, receiver] = await Promise.all([open(), startFakeProvider(), startReceiver()]);
    service = await startService({ provider, env: { ...engine.env, ...signing } });
  });
  beforeEach(() => provider.reset());
  afterAll(async () => {
    await service?.[Symbol.asyncDispose]();
    await provider?.[Symbol.asyncDispose]();
    await receiver?.[Symbol.asyncDispose]();
    await engine?.[Symbol.asyncDispose]();
  });

  test('a run in the background tells its webhook of its end, with the run as the API shows it', async () => {
    const runId = await createRun(service, { url: receiver.url });
    const { payload, id, headers } = await receiver.received(about(runId));
    expect(payload.type).toBe('run.completed');
    expect({ ...payload.data.run, context: null }).toEqual((await service.get(`/api/v1/runs/${runId}`)).body);
    expect(headers['user-agent']).toMatch(/^agent-service\/\d/);
    const [delivery, ...others] = await inStatus(service, runId, 'delivered');
    expect(others).toEqual([]);
    expect(delivery).toMatchObject({
      id,
      url: receiver.url,
      event: 'run.completed',
      attempts: 1,
      last_status: 204,
      last_error: null,
      next_attempt_at: null,
      created_at: payload.timestamp,
    });
  });

  test('a run tells that it waits for a person, and then of its end', async () => {
    await provider.script({ when: { lastUserContains: 'Refund 7' }, ...refundTurns });
    const runId = await createRun(service, { url: receiver.url }, 'Refund 7');
    const { payload } = await receiver.received(about(runId));
    expect(payload).toMatchObject({ type: 'run.requires_action', data: { run: { status: 'requires_action' } } });
    const { items } = payload.data.run.required_action as { items: { call_id: string }[] };
    const decisions = items.map(({ call_id }) => ({ call_id, decision: 'approve' }));
    await service.post(`/api/v1/runs/${runId}/decisions`, { decisions });
    const after = await receiver.received(about(runId, 'run.completed'));
    expect(after.payload.data.run.response).toBe('Refunded.');
  });

  test('a run tells only of what it was asked to', async () => {
    const quiet = await createRun(service, { url: receiver.url, events: ['run.failed', 'run.timed_out'] });
    const cancelled = await createRun(service, { url: receiver.url, events: ['run.cancelled'] }, 'Hi', {
      run_at: '2100-01-01T00:00:00Z',
    });
    await service.post(`/api/v1/runs/${cancelled}/cancel`, {});
    const { payload } = await receiver.received(about(cancelled));
    expect(payload).toMatchObject({ type: 'run.cancelled', data: { run: { error: { code: 'cancelled' } } } });
    while ((await service.get(`/api/v1/runs/${quiet}`)).body.status !== 'completed');
    expect(dataOf(await service.get(`/api/v1/webhooks?run_id=${quiet}`))).toEqual([]);
  });

  test('a receiver that is down gets everything when it is up again, each with the id and body of the first time', async () => {
    await using flaky = await startReceiver();
    await flaky.down();
    const runIds = await Promise.all([1, 2, 3].map(() => createRun(service, { url: flaky.url })));
    for (const runId of runIds) {
      const [delivery] = await deliveries(
        service,
        runId,
        ([first]) => first?.last_error === 'not reached: ECONNREFUSED',
      );
      expect(delivery).toMatchObject({ status: 'pending', last_status: null, next_attempt_at: expect.any(String) });
    }
    let refusals = 0;
    flaky.answer((response) => {
      refusals += 1;
      response.writeHead(refusals <= 3 ? 503 : 200).end();
    });
    await flaky.up();
    // The test does not wait for the next attempt.
    for (const runId of runIds)
      for (const { id } of dataOf(await service.get(`/api/v1/webhooks?run_id=${runId}`)))
        await service.post(`/api/v1/webhooks/${id}/retry`, {});
    for (const runId of runIds) await inStatus(service, runId, 'delivered');
    const seen = new Map<string, Set<string>>();
    for (const { id, body } of flaky.all) seen.set(id, (seen.get(id) ?? new Set()).add(body));
    expect([...seen.values()].map(({ size }) => size)).toEqual([1, 1, 1]);
    expect(new Set(flaky.all.map(({ payload }) => payload.data.run.run_id))).toEqual(new Set(runIds));
  });

  test('a receiver that answers 410 gets no further attempts until a delivery is requested again', async () => {
    await using receiver = await startReceiver();
    receiver.answer((response) => response.writeHead(410).end());
    const runId = await createRun(service, { url: receiver.url });
    const [dead] = await inStatus(service, runId, 'dead');
    expect(dead).toMatchObject({ attempts: 1, last_status: 410, delivered_at: null });
    expect(dataOf(await service.get('/api/v1/webhooks?status=dead')).map(({ id }) => id)).toContain(dead?.id);
    expect(await (await fetch(`${service.probeUrl}/metrics`)).text()).toMatch(
      /agent_service_webhook_deliveries\{state="dead"\} [1-9]/,
    );

    receiver.answer((response) => response.writeHead(200).end());
    const { status, body } = await service.post(`/api/v1/webhooks/${dead?.id}/retry`, {});
    expect([status, body.status]).toEqual([200, 'pending']);
    expect((await inStatus(service, runId, 'delivered'))[0]).toMatchObject({ attempts: 2, last_status: 200 });
    expect(new Set(receiver.all.map(({ id }) => id))).toEqual(new Set([dead?.id]));
  });

  test('a list shows the newest first, in pages', async () => {
    for (let n = 0; n < 3; n += 1)
      await inStatus(service, await createRun(service, { url: receiver.url }), 'delivered');
    const first = (await service.get('/api/v1/webhooks?limit=2')).body as { data: Delivery[]; next_cursor: string };
    const second = (await service.get(`/api/v1/webhooks?limit=2&cursor=${first.next_cursor}`)).body as typeof first;
    const ids = [...first.data, ...second.data].map(({ id }) => id);
    expect(ids).toHaveLength(4);
    expect(ids).toEqual(ids.toSorted().toReversed());
    for (const query of ['cursor=abc', 'status=lost', 'limit=0', 'tenant=other'])
      expect((await service.get(`/api/v1/webhooks?${query}`)).status).toBe(422);
    const unknown = await service.post('/api/v1/webhooks/whk_0/retry', {});
    expect([unknown.status, unknown.body.code]).toEqual([404, 'not_found']);
  });

  test('only runs in the background have a webhook', async () => {
    const body = { message: 'Hi', webhook: { url: receiver.url } };
    for (const route of ['run', 'run/stream']) {
      const answer = await service.post(`/api/v1/${route}`, body);
      expect([answer.status, answer.body.code]).toEqual([422, 'validation_failed']);
    }
  });

  test.each([
    ['no URL', { url: 'nowhere' }],
    ['another protocol', { url: 'file:///etc/passwd' }],
    ['a password', { url: 'https://me:secret@example.com/' }],
    ['a URL of 2,001 characters', { url: `https://example.com/${'a'.repeat(1_981)}` }],
    ['the metadata of a cloud', { url: 'http://169.254.169.254/' }],
    ['a private address', { url: 'https://10.0.0.1/' }],
    ['a private address as a number', { url: 'https://167772161/' }],
    ['a private address as IPv6', { url: 'https://[::ffff:10.0.0.1]/' }],
    ['no events', { url: 'https://example.com/', events: [] }],
    ['an unknown event', { url: 'https://example.com/', events: ['run.started'] }],
    ['an event twice', { url: 'https://example.com/', events: ['run.failed', 'run.failed'] }],
    ['an unknown field', { url: 'https://example.com/', headers: { authorization: 'x' } }],
  ])('a webhook with %s is refused, with the place of the mistake', async (_what, webhook) => {
    const { status, body } = await create(service, webhook);
    expect([status, body.code]).toEqual([422, 'validation_failed']);
    expect(body.errors).toMatchObject([{ path: expect.stringMatching(/^webhook/) }]);
  });

  test('with the same key a run has one delivery, and another webhook is another request', async () => {
    const key = { 'idempotency-key': 'hook-1' };
    const body = { message: 'Hi', webhook: { url: receiver.url } };
    const first = await service.post('/api/v1/runs', body, key);
    const again = await service.post('/api/v1/runs', body, key);
    expect(again.body.run_id).toBe(first.body.run_id);
    const other = await service.post('/api/v1/runs', { message: 'Hi', webhook: { url: `${receiver.url}/2` } }, key);
    expect(other.body.code).toBe('idempotency_key_reused');
    expect(await inStatus(service, first.body.run_id as string, 'delivered')).toHaveLength(1);
  });

  test('a process that is killed right after a run has ended leaves the delivery to the next one', async () => {
    await using own = await open();
    await using target = await startReceiver();
    await using processes = startProcesses({ provider, env: { ...own.env, ...signing } });
    const env = { KILL_POINT: 'run.afterEnd', EFFECTS_FILE: '/dev/null' };
    const victim = await processes.start({ app: 'tests/support/apps/failpoints.ts', env });
    const runId = await createRun(victim, { url: target.url });
    expect(await victim.exited).toBe('SIGKILL');
    expect(target.all).toEqual([]);
    const next = await processes.start();
    expect((await target.received(about(runId))).payload.type).toBe('run.completed');
    expect(await inStatus(next, runId, 'delivered')).toMatchObject([{ attempts: 1 }]);
  });

  test('a process that is killed while it delivers leaves that to the next one, which delivers again', async () => {
    await using own = await open();
    await using target = await startReceiver();
    await using processes = startProcesses({ provider, env: { ...own.env, ...signing } });
    target.answer(() => {}); // it never answers
    const victim = await processes.start();
    const runId = await createRun(victim, { url: target.url });
    const first = await target.received(about(runId));
    victim.kill('SIGKILL');
    await victim.exited;
    target.answer((response) => response.writeHead(204).end());
    // As if the claim of the dead process had expired.
    await own.change(
      processes.dataDir,
      'update webhook_deliveries set next_attempt_at_ms = next_attempt_at_ms - 60000',
    );
    const next = await processes.start();
    await inStatus(next, runId, 'delivered');
    expect(target.all.map(({ id, body }) => [id, body])).toEqual([1, 2].map(() => [first.id, first.body]));
  });

  test('a process that ends while it delivers lets the next process deliver at once', async () => {
    await using own = await open();
    await using target = await startReceiver();
    await using processes = startProcesses({ provider, env: { ...own.env, ...signing } });
    target.answer(() => {});
    const first = await processes.start();
    const runId = await createRun(first, { url: target.url });
    await target.received(about(runId));
    first.kill('SIGTERM');
    expect(await first.exited).toBe(0);
    target.answer((response) => response.writeHead(204).end());
    const next = await processes.start();
    expect(await inStatus(next, runId, 'delivered')).toMatchObject([{ attempts: 2 }]);
  });
});

describe('a service', () => {
  test('without a secret for signing refuses webhooks, and says why', async () => {
    await using service = await startService();
    const { status, body } = await create(service, { url: 'https://example.com/' });
    expect([status, body.code]).toEqual([422, 'webhooks_not_configured']);
    expect(body.detail).toContain('WEBHOOK_SIGNING_SECRET');
    expect((await service.get('/api/v1/runs')).body.data).toEqual([]);
    expect((await service.post('/api/v1/webhooks/whk_1/retry', {})).body.code).toBe('webhooks_not_configured');
  });

  test('that allows no network sends nothing to this machine, whatever it is called', async () => {
    await using receiver = await startReceiver();
    const env = { ...signing, WEBHOOK_ALLOW_NETWORKS: '192.0.2.0/24' };
    await using service = await startService({ env });
    const { port } = new URL(receiver.url);
    for (const host of ['127.0.0.1', '[::1]', '2130706433', '0x7f.1', '0.0.0.0'])
      expect((await create(service, { url: `http://${host}:${port}/` })).status).toBe(422);
    const runId = await createRun(service, { url: `http://localhost:${port}/` });
    const [delivery] = await inStatus(service, runId, 'dead');
    expect(delivery?.last_error).toBe('the address is not allowed (WEBHOOK_ALLOW_NETWORKS)');
    expect(receiver.all).toEqual([]);
  });

  test('that changes its secret signs with both, so that receivers with either verify what they get', async () => {
    const newer = `whsec_${Buffer.alloc(32, 'newer').toString('base64')}`;
    await using before = await startReceiver();
    await using after = await startReceiver(newer);
    await using service = await startService({ env: { WEBHOOK_SIGNING_SECRET: `${newer} ${signingSecret}` } });
    for (const receiver of [before, after]) {
      const runId = await createRun(service, { url: receiver.url });
      await receiver.received(about(runId));
    }
  });
});
