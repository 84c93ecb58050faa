import { describe, expect, test } from 'vitest';
import type { ClaimDeliveries, ClaimedDelivery, NewRun, Run, Store, WebhookDelivery } from '../port/index.ts';
import { finalStatuses, webhookEvents } from '../port/index.ts';
import {
  approval,
  cancelled,
  claim as claimRuns,
  dead,
  finalRun,
  finish,
  idsOf,
  interrupt,
  newRun,
  noEntries,
  noUsage,
  type OpenStore,
  otherTenant,
  pause,
  poison,
  queue,
  readAll,
  start,
  tenant,
} from './fixture.contract.ts';

const url = 'https://receiver.example.com/hook';
const webhook = { url, events: webhookEvents };
const leaseMs = 30_000;
const hourMs = 3_600_000;

const claim = (store: Store, options: Partial<ClaimDeliveries> = {}): Promise<ClaimedDelivery[]> =>
  store.webhooks.claim({ limit: 100, tenantMax: 100, passOver: [], leaseMs, ...options });

/** Claims what is due, and expects that it is one delivery. */
async function claimOne(store: Store): Promise<ClaimedDelivery> {
  const [first, ...others] = await claim(store);
  if (first === undefined || others.length > 0) throw new Error('expected one delivery that is due');
  return first;
}

const told = async (store: Store, tenantId = tenant): Promise<WebhookDelivery[]> =>
  (await store.webhooks.list(tenantId, {}, 200, null)).data;

const eventsTold = async (store: Store): Promise<string[]> => (await told(store)).map(({ event }) => event);

/** A run that tells of its end, and has ended. */
const ended = async (store: Store, overrides: Partial<NewRun> = {}): Promise<Run> =>
  finish(store, await start(store, { sessionId: null, webhook, ...overrides }));

/** What the port promises of deliveries to webhooks. */
export function describeWebhooks(open: OpenStore): void {
  describe('a run with a webhook', () => {
    test.each(finalStatuses)('that ends as %s has one delivery of that event, due at once', async (status) => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store, { webhook });
      expect(await told(store)).toEqual([]);
      const { finishedAtMs } = await finish(store, run, { status });
      const [delivery, ...others] = await told(store);
      expect(others).toEqual([]);
      expect(delivery).toEqual({
        id: expect.stringMatching(
          /^whk_0[0-9a-hjkmnp-tv-z]{9}[ef][0-9a-hjkmnp-tv-z]{2}[89abrstv][0-9a-hjkmnp-tv-z]{12}$/,
        ),
        tenantId: tenant,
        runId: run.id,
        url,
        event: `run.${status}`,
        status: 'pending',
        attempts: 0,
        lastStatus: null,
        lastError: null,
        nextAttemptAtMs: delivery?.createdAtMs,
        createdAtMs: expect.any(Number),
        deliveredAtMs: null,
      });
      expect(Math.abs((delivery?.createdAtMs ?? 0) - (finishedAtMs ?? 0))).toBeLessThan(5_000);
      expect((await claimOne(store)).delivery.id).toBe(delivery?.id);
    });

    test('has a delivery however it ends: by a cancellation, a crash loop, an expiry, a run that interrupts it', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const waiting = await queue(store, { sessionId: null, webhook });
      await store.runs.requestCancel(tenant, waiting.id, cancelled);
      expect(await eventsTold(store)).toEqual(['run.cancelled']);

      const held = await start(store, { sessionId: 's-held', webhook: { url, events: ['run.cancelled'] } });
      await pause(store, held);
      await finish(store, await interrupt(store, { sessionId: 's-held' }));
      expect((await told(store)).filter(({ runId }) => runId === held.id)).toMatchObject([{ event: 'run.cancelled' }]);

      const expiring = await start(store, { sessionId: null, webhook: { url, events: ['run.failed'] } });
      await pause(store, expiring, { expiresInMs: -1 });
      await store.runs.expireAction(poison);
      expect((await told(store)).filter(({ runId }) => runId === expiring.id)).toMatchObject([{ event: 'run.failed' }]);

      const crashing = await queue(store, { sessionId: null, webhook });
      for (let crash = 1; crash <= 3; crash += 1) {
        await dead(store, `proc_${crash}`);
        await claimRuns(store, {}, `proc_${crash}`);
        await store.runs.recoverOrphans(poison, 10);
      }
      expect(await store.runs.get(tenant, crashing.id)).toMatchObject({ status: 'failed' });
      expect((await told(store)).filter(({ runId }) => runId === crashing.id)).toMatchObject([{ event: 'run.failed' }]);
    });

    test('has deliveries only of the events that it names, and a run without a webhook has none', async () => {
      await using fixture = await open();
      const { store } = fixture;
      await ended(store, { webhook: { url, events: ['run.failed', 'run.timed_out'] } });
      await ended(store, { webhook: undefined });
      await pause(store, await start(store, { sessionId: null, webhook: { url, events: ['run.completed'] } }));
      expect(await told(store)).toEqual([]);
      expect(await claim(store)).toEqual([]);
    });

    test('is delivered as it was when it waited for a person, whatever happened since', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const usage = { ...noUsage, requests: 1, totalTokens: 12 };
      const run = await start(store, { sessionId: null, webhook, metadata: { n: 1 } });
      const paused = await pause(store, run, { usage, model: 'm-\u0001"é', costUsd: 0.125 });
      await store.runs.decide(tenant, run.id, { expected: approval, left: null, entries: noEntries });
      const again = (await claimRuns(store))[0]?.run as Run;
      const final = await finish(store, again, { response: 'Refunded.', status: 'completed' });
      const claimed = (await claim(store)).toSorted((one, other) => (one.delivery.id < other.delivery.id ? -1 : 1));
      expect(claimed.map(({ delivery }) => delivery.event).sort()).toEqual(['run.completed', 'run.requires_action']);
      for (const { delivery, run: then } of claimed)
        expect(then).toEqual(delivery.event === 'run.completed' ? final : paused);
    });

    test('has a delivery each time that it waits, and only that of its cancellation if that was requested before', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store, { sessionId: null, webhook });
      await pause(store, run);
      await store.runs.decide(tenant, run.id, { expected: approval, left: null, entries: noEntries });
      const again = (await claimRuns(store))[0]?.run as Run;
      await pause(store, again);
      expect(await eventsTold(store)).toEqual(['run.requires_action', 'run.requires_action']);
      expect(new Set(idsOf(await told(store))).size).toBe(2);

      const unwanted = await start(store, { sessionId: null, webhook });
      await store.runs.requestCancel(tenant, unwanted.id, cancelled);
      await pause(store, unwanted);
      expect((await told(store)).filter(({ runId }) => runId === unwanted.id)).toMatchObject([
        { event: 'run.cancelled' },
      ]);
    });

    test('has no delivery of an end that was refused', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store, { sessionId: null, webhook });
      expect(await store.runs.finish({ ...run, attempt: run.attempt + 1 }, finalRun())).toBeNull();
      expect(await told(store)).toEqual([]);
      await finish(store, run);
      expect(await store.runs.finish(run, finalRun({ status: 'failed' }))).toBeNull();
      expect(await eventsTold(store)).toEqual(['run.completed']);
    });

    test('has its webhook with a key, in a session, or among many that are created together', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const idempotency = { key: 'k-1', fingerprint: 'f-1', ttlMs: hourMs };
      await ended(store, { sessionId: 's-1', idempotency });
      expect((await store.runs.create(newRun({ sessionId: 's-1', idempotency, webhook }), 'wait', true)).type).toBe(
        'existing',
      );
      const many = Array.from({ length: 10 }, (_, n) =>
        ended(store, { webhook: n % 2 === 0 ? { url: `${url}/${n}`, events: webhookEvents } : undefined }),
      );
      await Promise.all(many);
      const urls = (await told(store)).map((delivery) => delivery.url).sort();
      expect(urls).toEqual([url, ...[0, 2, 4, 6, 8].map((n) => `${url}/${n}`)]);
    });
  });

  describe('claiming deliveries', () => {
    test('gives each to one process, with the run as it is stored, until the lease of the claim has ended', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const other = await fixture.join();
      const run = await ended(store, { metadata: { channel: 'web' } });
      const claimed = await claimOne(store);
      expect(claimed).toMatchObject({ round: 1, delivery: { status: 'pending', attempts: 1, runId: run.id } });
      expect(claimed.run).toEqual(run);
      expect(await claim(other)).toEqual([]);
      await fixture.ageDeliveries(leaseMs - 5_000);
      expect(await claim(other)).toEqual([]);
      await fixture.ageDeliveries(leaseMs);
      expect(await claimOne(other)).toMatchObject({ round: 2, delivery: { id: claimed.delivery.id, attempts: 2 } });
    });

    test('at once by several processes, none is claimed twice and none is left', async () => {
      await using fixture = await open();
      const stores = [fixture.store, await fixture.join(), await fixture.join()];
      await Promise.all(Array.from({ length: 40 }, () => ended(fixture.store)));
      const claimed: ClaimedDelivery[] = [];
      for (let round = 0; round < 20 && claimed.length < 40; round += 1)
        claimed.push(...(await Promise.all(stores.map((store) => claim(store, { limit: 5 })))).flat());
      expect(claimed).toHaveLength(40);
      expect(new Set(claimed.map(({ delivery }) => delivery.id)).size).toBe(40);
    });

    test('takes no more of one tenant than its share, and skips tenants that have theirs', async () => {
      await using fixture = await open();
      const { store } = fixture;
      for (const tenantId of [tenant, tenant, tenant, otherTenant, otherTenant]) await ended(store, { tenantId });
      const tenantsOf = (claimed: ClaimedDelivery[]) => claimed.map(({ delivery }) => delivery.tenantId).sort();
      expect(tenantsOf(await claim(store, { tenantMax: 1 }))).toEqual([tenant, otherTenant]);
      expect(tenantsOf(await claim(store, { passOver: [tenant] }))).toEqual([otherTenant]);
      expect(tenantsOf(await claim(store, { limit: 1 }))).toEqual([tenant]);
      expect(tenantsOf(await claim(store))).toEqual([tenant]);
    });

    test('takes the longest due first', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const first = await ended(store);
      await fixture.ageDeliveries(hourMs);
      const second = await ended(store, { tenantId: otherTenant });
      await fixture.ageDeliveries(hourMs);
      await ended(store);
      const runIds: string[] = [];
      for (let n = 0; n < 2; n += 1)
        runIds.push(...(await claim(store, { limit: 1 })).map(({ delivery }) => delivery.runId));
      expect(runIds).toEqual([first.id, second.id]);
    });

    test('continues after a restart', async () => {
      await using fixture = await open();
      const run = await ended(fixture.store);
      await claimOne(fixture.store);
      const next = await fixture.reopen();
      await fixture.ageDeliveries(leaseMs);
      expect(await claimOne(next)).toMatchObject({ round: 2, delivery: { runId: run.id } });
    });
  });

  describe('recording an attempt', () => {
    test('that succeeded ends the delivery', async () => {
      await using fixture = await open();
      const { store } = fixture;
      await ended(store);
      const claimed = await claimOne(store);
      expect(await store.webhooks.record(claimed, { type: 'delivered', lastStatus: 204 })).toBe(true);
      const delivered = { status: 'delivered', attempts: 1, lastStatus: 204, lastError: null, nextAttemptAtMs: null };
      expect(await told(store)).toMatchObject([{ ...delivered, deliveredAtMs: expect.any(Number) }]);
      await fixture.ageDeliveries(hourMs);
      expect(await claim(store)).toEqual([]);
    });

    test('that failed makes the delivery due again after its backoff', async () => {
      await using fixture = await open();
      const { store } = fixture;
      await ended(store);
      const claimed = await claimOne(store);
      const outcome = { type: 'retry', inMs: hourMs, lastStatus: 500, lastError: 'answered 500' } as const;
      expect(await store.webhooks.record(claimed, outcome)).toBe(true);
      const [delivery] = await told(store);
      expect(delivery).toMatchObject({ status: 'pending', attempts: 1, lastStatus: 500, lastError: 'answered 500' });
      expect((delivery?.nextAttemptAtMs ?? 0) - (delivery?.createdAtMs ?? 0)).toBeGreaterThanOrEqual(hourMs);
      await fixture.ageDeliveries(hourMs - 60_000);
      expect(await claim(store)).toEqual([]);
      await fixture.ageDeliveries(60_000);
      expect(await claimOne(store)).toMatchObject({ round: 2, delivery: { lastError: 'answered 500' } });
    });

    test('that was the last one leaves the delivery dead, listed and counted', async () => {
      await using fixture = await open();
      const { store } = fixture;
      await ended(store);
      await ended(store, { tenantId: otherTenant });
      expect(await store.webhooks.count()).toEqual({ pending: 2, dead: 0 });
      const [claimed] = await claim(store, { passOver: [otherTenant] });
      await store.webhooks.record(claimed as ClaimedDelivery, { type: 'dead', lastStatus: 410, lastError: 'gone' });
      expect(await told(store)).toMatchObject([
        { status: 'dead', lastStatus: 410, lastError: 'gone', nextAttemptAtMs: null, deliveredAtMs: null },
      ]);
      expect(await store.webhooks.count()).toEqual({ pending: 1, dead: 1 });
    });

    test('that another process has taken over changes nothing, unless it succeeded', async () => {
      await using fixture = await open();
      const { store } = fixture;
      await ended(store);
      const late = await claimOne(store);
      await fixture.ageDeliveries(leaseMs);
      const current = await claimOne(store);
      const failed = { lastStatus: null, lastError: 'no answer' };
      expect(await store.webhooks.record(late, { type: 'dead', ...failed })).toBe(false);
      expect(await store.webhooks.record(late, { type: 'retry', inMs: 0, ...failed })).toBe(false);
      expect(await told(store)).toMatchObject([{ status: 'pending', attempts: 2, lastError: null }]);
      expect(await store.webhooks.record(late, { type: 'delivered', lastStatus: 200 })).toBe(true);
      expect(await store.webhooks.record(current, { type: 'dead', ...failed })).toBe(false);
      expect(await told(store)).toMatchObject([{ status: 'delivered', lastStatus: 200 }]);
    });
  });

  describe('retrying a delivery', () => {
    test('makes it due at once, with all its attempts, whether it was dead, pending or delivered', async () => {
      await using fixture = await open();
      const { store } = fixture;
      await ended(store);
      const failed = { lastStatus: 500, lastError: 'answered 500' };
      const outcomes = [
        { type: 'dead', ...failed },
        { type: 'retry', inMs: hourMs, ...failed },
        { type: 'delivered', lastStatus: 200 },
      ] as const;
      for (const [n, outcome] of outcomes.entries()) {
        const claimed = await claimOne(store);
        expect(claimed).toMatchObject({ round: 1, delivery: { attempts: n + 1 } });
        await store.webhooks.record(claimed, outcome);
        expect(await claim(store)).toEqual([]);
        const again = await store.webhooks.retry(tenant, claimed.delivery.id);
        expect(again).toMatchObject({ status: 'pending', attempts: n + 1, deliveredAtMs: null });
        expect(again).toEqual((await told(store))[0]);
      }
      expect(await claimOne(store)).toMatchObject({ round: 1, delivery: { attempts: 4 } });
    });

    test('is not undone by an attempt that was running and failed', async () => {
      await using fixture = await open();
      const { store } = fixture;
      await ended(store);
      const claimed = await claimOne(store);
      await store.webhooks.retry(tenant, claimed.delivery.id);
      const outcome = { type: 'retry', inMs: hourMs, lastStatus: null, lastError: 'no answer' } as const;
      expect(await store.webhooks.record(claimed, outcome)).toBe(false);
      expect(await claimOne(store)).toMatchObject({ round: 1 });
    });

    test('finds only deliveries of the tenant', async () => {
      await using fixture = await open();
      const { store } = fixture;
      await ended(store);
      const [delivery] = await told(store);
      expect(await store.webhooks.retry(otherTenant, delivery?.id ?? '')).toBeNull();
      expect(await store.webhooks.retry(tenant, 'whk_0')).toBeNull();
    });
  });

  describe('a list of deliveries', () => {
    test('shows those of the tenant that match, newest first, in pages', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const runs = await Promise.all(Array.from({ length: 7 }, () => ended(store)));
      await ended(store, { tenantId: otherTenant });
      const [first] = await claim(store, { limit: 1, passOver: [otherTenant] });
      await store.webhooks.record(first as ClaimedDelivery, { type: 'dead', lastStatus: null, lastError: 'no' });

      const list = (filter: Parameters<Store['webhooks']['list']>[1]) =>
        readAll<WebhookDelivery, string>((before) => store.webhooks.list(tenant, filter, 3, before));
      const { rows, pages } = await list({});
      expect([rows.length, pages]).toEqual([7, 3]);
      expect(idsOf(rows)).toEqual(idsOf(rows).toSorted().toReversed());
      expect(rows.map(({ runId }) => runId).sort()).toEqual(idsOf(runs).sort());
      expect(idsOf((await list({ status: 'dead' })).rows)).toEqual([first?.delivery.id]);
      expect((await list({ status: 'pending' })).rows).toHaveLength(6);
      const runId = runs[3]?.id ?? '';
      expect((await list({ runId })).rows).toMatchObject([{ runId }]);
      expect((await list({ runId, status: 'delivered' })).rows).toEqual([]);
    });
  });

  describe('deliveries of runs that are removed', () => {
    test('are removed with them, and those of others stay', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const old = await ended(store);
      const inSession = await ended(store, { sessionId: 's-gone' });
      const kept = await ended(store);
      await fixture.ageRun(old.id, 2 * hourMs);
      expect(await store.retention.pruneRuns(hourMs, 10)).toMatchObject({ removed: 1 });
      expect((await told(store)).map(({ runId }) => runId).sort()).toEqual([inSession.id, kept.id].sort());
      await store.sessions.delete(tenant, 's-gone');
      expect((await told(store)).map(({ runId }) => runId)).toEqual([kept.id]);
      expect((await claim(store)).map(({ run }) => run.id)).toEqual([kept.id]);
    });
  });
}
