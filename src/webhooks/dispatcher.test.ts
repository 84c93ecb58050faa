import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { Webhook } from 'standardwebhooks';
import { describe, expect, test } from 'vitest';
import { createFakeClock } from '../../tests/support/fake-clock.ts';
import { systemClock } from '../platform/clock.ts';
import { ServiceError } from '../platform/errors.ts';
import { createMetrics } from '../platform/metrics/metrics.ts';
import { finish, start } from '../storage/contract/fixture.contract.ts';
import type { WebhookDelivery, WebhookStore } from '../storage/port/index.ts';
import { webhookEvents } from '../storage/port/index.ts';
import { createSqliteStore } from '../storage/sqlite/index.ts';
import type { Attempt } from './delivery-retry-policy.ts';
import { createDispatcher } from './dispatcher.ts';
import { createWebhookMetrics } from './metrics.ts';
import type { Message } from './sender.ts';

const secret = `whsec_${Buffer.alloc(32, 3).toString('base64')}`;
const url = 'https://receiver.example/hook';
const ok: Attempt = { type: 'answered', status: 200, retryAfterMs: null };
const refused: Attempt = { type: 'answered', status: 500, retryAfterMs: null };
const minuteMs = 60_000;

type Sent = Message & { answer: (attempt: Attempt) => void };

/** A dispatcher on an embedded store and a fake clock, whose messages the test answers. */
async function createTestDispatcher({ secrets = [secret], wrap = (store: WebhookStore) => store } = {}) {
  const dataDir = mkdtempSync(join(tmpdir(), 'agent-service-webhooks-'));
  const clock = createFakeClock(systemClock.nowMs());
  const store = createSqliteStore({ dataDir, sync: 'normal', executes: true, clock });
  await store.start();
  const sent: Sent[] = [];
  const recorded: string[] = [];
  const recordingStore: WebhookStore = {
    ...store.webhooks,
    async record(claimed, outcome) {
      const written = await store.webhooks.record(claimed, outcome);
      recorded.push(outcome.type);
      return written;
    },
  };
  let reply: ((message: Message) => Attempt | null) | null = null;
  const logged: Record<string, unknown>[] = [];
  const metrics = createMetrics();
  const dispatcher = createDispatcher({
    store: wrap(recordingStore),
    send: (message, signal) =>
      new Promise((answer) => {
        sent.push({ ...message, answer });
        signal.addEventListener('abort', () => answer({ type: 'cut' }));
        const attempt = reply?.(message);
        if (attempt) answer(attempt);
      }),
    secrets,
    userAgent: 'agent-service/1.2.3',
    metrics: createWebhookMetrics({ store: store.webhooks, metrics }),
    clock,
    random: () => 0.01,
    log: pino({}, { write: (line: string) => void logged.push(JSON.parse(line)) }),
  });
  return {
    clock,
    store,
    sent,
    logged,
    recorded: (): readonly string[] => recorded,
    dispatcher,
    answerWith(answer: (message: Message) => Attempt | null) {
      reply = answer;
    },
    /** Creates a run with a webhook and ends it. */
    endRun: async (tenantId = 'tenant-a') =>
      finish(
        store,
        await start(store, {
          tenantId,
          sessionId: null,
          webhook: { url: `${url}/${tenantId}`, events: webhookEvents },
        }),
      ),
    delivery: async (): Promise<WebhookDelivery | undefined> =>
      (await store.webhooks.list('tenant-a', {}, 1, null)).data[0],
    metrics: () => metrics.registry.metrics(),
    async [Symbol.asyncDispose]() {
      await dispatcher.stop(AbortSignal.abort());
      await store.stop(AbortSignal.timeout(10_000));
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** Waits until a condition holds: writes of the store take a few ticks of the event loop. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let tick = 0; tick < 10_000; tick += 1) {
    if (await holds()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error('The condition never held.');
}

describe('the dispatcher', () => {
  test('delivers the run as the API shows it, with a signature and a user agent', async () => {
    await using under = await createTestDispatcher();
    under.answerWith(() => ok);
    const run = await under.endRun();
    await under.dispatcher.start();
    await until(async () => (await under.delivery())?.status === 'delivered');
    const [message, ...more] = under.sent;
    expect(more).toEqual([]);
    const delivery = await under.delivery();
    expect(message?.headers).toMatchObject({ 'webhook-id': delivery?.id, 'user-agent': 'agent-service/1.2.3' });
    expect(new Webhook(secret).verify(message?.body ?? '', message?.headers ?? {})).toMatchObject({
      type: 'run.completed',
      timestamp: new Date(delivery?.createdAtMs ?? 0).toISOString(),
      data: { run: { run_id: run.id, status: 'completed', response: 'It left today.' } },
    });
    expect(await under.metrics()).toContain('agent_service_webhook_attempts_total{outcome="delivered"} 1');
    expect(await under.metrics()).toContain('agent_service_webhook_deliveries{state="pending"} 0');
  });

  test('retries with the same id and body after growing delays, and gives up after the tenth attempt', async () => {
    await using under = await createTestDispatcher();
    under.answerWith(() => refused);
    await under.endRun();
    await under.dispatcher.start();
    const delaysMs: number[] = [];
    for (let attempt = 1; attempt <= 10; attempt += 1) {
      await until(() => under.recorded().length === attempt);
      const delivery = await under.delivery();
      expect(delivery).toMatchObject({ attempts: attempt, lastStatus: 500, lastError: 'answered 500' });
      if (delivery?.nextAttemptAtMs == null) break;
      delaysMs.push(delivery.nextAttemptAtMs - under.clock.nowMs());
      await under.clock.advance(delivery.nextAttemptAtMs - under.clock.nowMs() - 1);
      expect(under.sent).toHaveLength(attempt);
      await under.clock.advance(1_001); // the dispatcher polls once a second
    }
    expect(await under.delivery()).toMatchObject({ status: 'dead', attempts: 10 });
    const seconds = delaysMs.map((delayMs) => delayMs / 1000);
    expect(seconds).toEqual([0.05, 0.2, 0.8, 3.2, 12.8, 51.2, 204.8, 288, 288]);
    expect(new Set(under.sent.map(({ body, headers }) => `${headers['webhook-id']} ${body}`)).size).toBe(1);
    expect(under.logged).toMatchObject([{ msg: 'a webhook delivery was given up', reason: 'answered 500' }]);
    await under.clock.advance(24 * 60 * minuteMs);
    expect(under.sent).toHaveLength(10);
    expect(await under.metrics()).toContain('agent_service_webhook_deliveries{state="dead"} 1');
  });

  test('does not let the slow receiver of one tenant hold up the deliveries of another', async () => {
    await using under = await createTestDispatcher();
    under.answerWith(({ url }) => (url.endsWith('tenant-b') ? ok : null));
    for (let n = 0; n < 60; n += 1) await under.endRun('tenant-a');
    await under.dispatcher.start();
    await until(() => under.sent.length >= 8);
    for (let n = 0; n < 20; n += 1) await under.endRun('tenant-b');
    await under.clock.advance(5_000);
    const isDone = async () =>
      (await under.store.webhooks.list('tenant-b', { status: 'delivered' }, 100, null)).data.length === 20;
    for (let poll = 0; poll < 20 && !(await isDone()); poll += 1) await under.clock.advance(1_000);
    expect(await isDone()).toBe(true);
    expect(under.sent.filter(({ url }) => url.endsWith('tenant-a')).length).toBeLessThanOrEqual(16);
  });

  test('makes at most 32 attempts at once, and the next ones as soon as attempts end', async () => {
    await using under = await createTestDispatcher();
    for (let n = 0; n < 60; n += 1) await under.endRun(`tenant-${n}`);
    await under.dispatcher.start();
    await until(() => under.sent.length >= 8);
    for (let poll = 0; poll < 10; poll += 1) await under.clock.advance(1_000);
    expect(under.sent).toHaveLength(32);
    under.answerWith(() => ok);
    for (const { answer } of under.sent.slice(0, 32)) answer(ok);
    await until(() => under.sent.length === 60);
  });

  test('lets active attempts finish at a stop, and begins no new ones', async () => {
    await using under = await createTestDispatcher();
    await under.endRun();
    await under.dispatcher.start();
    await until(() => under.sent.length === 1);
    await under.endRun();
    const stopped = under.dispatcher.stop(AbortSignal.timeout(10_000));
    under.sent[0]?.answer(ok);
    await stopped;
    const statuses = (await under.store.webhooks.list('tenant-a', {}, 10, null)).data.map(({ status }) => status);
    expect([under.sent.length, statuses.sort()]).toEqual([1, ['delivered', 'pending']]);
  });

  test.each([
    ['by 2 s', () => new AbortController().signal, 2_000],
    ['past its deadline', () => AbortSignal.abort(), 0],
  ])(
    'cuts attempts that outlast a stop %s, and leaves their deliveries due at once',
    async (_when, deadline, afterMs) => {
      await using under = await createTestDispatcher();
      await under.endRun();
      await under.dispatcher.start();
      await until(() => under.sent.length === 1);
      const stopped = under.dispatcher.stop(deadline());
      await until(() => afterMs === 0 || under.clock.sleeping() === 1);
      await under.clock.advance(afterMs);
      await stopped;
      const nowMs = under.clock.nowMs();
      expect(await under.delivery()).toMatchObject({ status: 'pending', attempts: 1, nextAttemptAtMs: nowMs });
    },
  );

  test('retries while the store cannot be reached, and records the outcome of an attempt later', async () => {
    const failures = [new ServiceError('store_unavailable', {}), new ServiceError('store_unavailable', {})];
    const attempts = { claim: 0, record: 0 };
    const wrap = (store: WebhookStore): WebhookStore => ({
      ...store,
      async claim(options) {
        attempts.claim += 1;
        if (attempts.claim === 1) throw new ServiceError('store_unavailable', {});
        return store.claim(options);
      },
      async record(claimed, outcome) {
        attempts.record += 1;
        const failure = failures.shift();
        if (failure) throw failure;
        return store.record(claimed, outcome);
      },
    });
    await using under = await createTestDispatcher({ wrap });
    under.answerWith(() => ok);
    await under.endRun();
    await under.dispatcher.start();
    for (let poll = 0; poll < 10 && attempts.record < 3; poll += 1) await under.clock.advance(1_000);
    await until(async () => (await under.delivery())?.status === 'delivered');
    expect([attempts.record, under.sent.length]).toEqual([3, 1]);
    expect(under.logged).toMatchObject([{ msg: 'webhook deliveries could not be claimed' }]);
  });

  test('counts an attempt that failed for an internal error, and retries it', async () => {
    await using under = await createTestDispatcher();
    under.answerWith(() => {
      throw new Error('a fault');
    });
    await under.endRun();
    await under.dispatcher.start();
    await until(() => under.recorded().length === 1);
    expect(await under.delivery()).toMatchObject({ status: 'pending', lastError: 'an error of the service' });
    expect(under.logged).toMatchObject([{ msg: 'a webhook delivery could not be made' }]);
  });

  test('sends nothing without a secret to sign with', async () => {
    await using under = await createTestDispatcher({ secrets: [] });
    await under.endRun();
    await under.dispatcher.start();
    await under.clock.advance(minuteMs);
    expect([under.sent, await under.delivery()]).toMatchObject([[], { status: 'pending', attempts: 0 }]);
  });

  test('can be stopped twice, and before its start', async () => {
    await using under = await createTestDispatcher();
    await under.dispatcher.stop(AbortSignal.timeout(10_000));
    await under.dispatcher.stop(AbortSignal.timeout(10_000));
    await under.clock.advance(minuteMs);
    expect(under.clock.sleeping()).toBe(0);
  });
});
