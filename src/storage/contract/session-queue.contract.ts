import { describe, expect, test } from 'vitest';
import {
  cancelled,
  cancelRequested,
  centuriesMs,
  claimIds,
  claimOne,
  finalRun,
  finish,
  handBack,
  interrupt,
  journalOf,
  newRun,
  notYetMs,
  noUsage,
  type OpenStore,
  otherTenant,
  owner,
  pause,
  queue,
  start,
  tenant,
} from './fixture.contract.ts';

/** Who goes next in a session, and who takes it from another. */
export function describeSessionQueue(open: OpenStore): void {
  describe('the queue of a session', () => {
    test('waiting runs start in order of arrival, each when the one before has ended', async () => {
      await using fixture = await open();
      let holder = await start(fixture.store);
      // Ids that fall while arrivals rise: the order is the arrival, not the id.
      const ids = ['run_c', 'run_b', 'run_a'];
      for (const id of ids) await queue(fixture.store, { id });
      for (const id of ids) {
        expect(await claimIds(fixture.store)).toEqual([]);
        await finish(fixture.store, holder);
        holder = await claimOne(fixture.store);
        expect(holder.id).toBe(id);
      }
    });

    test('a run that is refused in a free session gets the id of the next run in its queue', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const holder = await pause(store, await start(store));
      const first = await interrupt(store, {}, false);
      const busyWith = async () => store.runs.create(newRun(), 'reject', true);
      expect(await store.runs.get(tenant, holder.id)).toMatchObject({ status: 'cancelled' });
      await queue(store, { priority: 9 });
      await queue(store, { runAtMs: notYetMs, priority: 9 });
      expect(await busyWith()).toEqual({ type: 'busy', activeRunId: first.id });
      const before = await interrupt(store, {}, false);
      expect(await busyWith()).toEqual({ type: 'busy', activeRunId: before.id });
    });

    test('the queue is in order of arrival, whatever the priorities', async () => {
      await using fixture = await open();
      const holder = await start(fixture.store);
      const first = await queue(fixture.store, { priority: -1 });
      await queue(fixture.store, { priority: 9 });
      await finish(fixture.store, holder);
      expect((await claimOne(fixture.store)).id).toBe(first.id);
    });

    test("a tenant's runs do not wait behind those of another tenant in a session of the same name", async () => {
      await using fixture = await open();
      const theirs = await start(fixture.store, { tenantId: otherTenant });
      const theirWaiting = await queue(fixture.store, { tenantId: otherTenant });
      const mine = await start(fixture.store);
      const myWaiting = await queue(fixture.store);
      await finish(fixture.store, mine);
      expect(await claimIds(fixture.store)).toEqual([myWaiting.id]);
      await finish(fixture.store, theirs);
      expect(await claimIds(fixture.store)).toEqual([theirWaiting.id]);
    });

    test('a run that starts after waiting holds the session and sees the items written meanwhile', async () => {
      await using fixture = await open();
      const first = await start(fixture.store);
      const second = await queue(fixture.store);
      await finish(fixture.store, first, { newItems: [{ n: 1 }] });
      const started = await claimOne(fixture.store, 'proc_other');
      expect(started).toEqual({
        ...second,
        status: 'running',
        attempt: 1,
        ownerId: 'proc_other',
        sessionSeqAtStart: 1,
        startedAtMs: expect.any(Number),
      });
      expect(await fixture.store.runs.get(tenant, second.id)).toEqual(started);
      expect(await fixture.store.sessions.get(tenant, 's-1')).toMatchObject({ activeRunId: second.id });
      const busy = await fixture.store.runs.create(newRun(), 'reject', true);
      expect(busy).toEqual({ type: 'busy', activeRunId: second.id });
    });

    test('a run that is cancelled while it waits leaves the queue, and the following one is next', async () => {
      await using fixture = await open();
      const { runs, sessions } = fixture.store;
      const holder = await start(fixture.store);
      const impatient = await queue(fixture.store);
      const patient = await queue(fixture.store);

      const error = { code: 'run_timed_out', detail: 'Agent run timed out.', retryable: false };
      const end = finalRun({ status: 'timed_out', lastAgent: null, model: null, response: null, error });
      const ended = await runs.finish(impatient, end);
      expect(ended).toMatchObject({ status: 'timed_out', attempt: 0, startedAtMs: null, error });
      expect(ended?.finishedAtMs).toEqual(expect.any(Number));
      expect(await sessions.get(tenant, 's-1')).toMatchObject({ activeRunId: holder.id });

      await finish(fixture.store, holder);
      expect(await claimIds(fixture.store)).toEqual([patient.id]);
    });

    test('a run that is not due blocks no other run, and is next when it is due', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const scheduled = await queue(store, { runAtMs: notYetMs });
      const now = await start(store);
      const waiting = await queue(store);
      await finish(store, now);
      const holder = await claimOne(store);
      expect(holder.id).toBe(waiting.id);
      const last = await queue(store);
      await fixture.ageRun(scheduled.id, centuriesMs);
      await finish(store, holder);
      await finish(store, await claimOne(store), { response: scheduled.id });
      expect((await store.runs.get(tenant, scheduled.id))?.status).toBe('completed');
      expect(await claimIds(store)).toEqual([last.id]);
    });

    test('a run that was handed back keeps its session, and no queued run starts before it', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const holder = await start(store);
      const waiting = await queue(store, { priority: 9 });
      await handBack(store, holder);
      expect(await store.sessions.get(tenant, 's-1')).toMatchObject({ activeRunId: holder.id });
      expect(await store.runs.create(newRun(), 'reject', true)).toEqual({ type: 'busy', activeRunId: holder.id });
      expect((await store.runs.create(newRun(), 'wait', true)).type).toBe('queued');
      const again = await claimOne(store);
      expect(again).toMatchObject({ id: holder.id, attempt: 2 });
      await finish(store, again);
      expect((await claimOne(store)).id).toBe(waiting.id);
    });
  });

  describe('a run that interrupts', () => {
    test('starts at once in a session that no run holds', async () => {
      await using fixture = await open();
      const { store } = fixture;
      expect(await interrupt(store, { sessionId: 's-free' })).toMatchObject({ status: 'running' });
      expect(await interrupt(store, { sessionId: null })).toMatchObject({ status: 'running' });
      const waiting = await queue(store);
      const run = await interrupt(store);
      expect(run).toMatchObject({ status: 'running', attempt: 1 });
      expect(await store.runs.get(tenant, waiting.id)).toEqual(waiting);
      await finish(store, run);
      expect(await claimIds(store)).toEqual([waiting.id]);
    });

    test('requests the cancellation of the running one, and is first in the queue', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const holder = await start(store);
      const waiting = await queue(store);
      const first = await interrupt(store);
      expect(first).toMatchObject({ status: 'queued', attempt: 0 });
      expect(await cancelRequested(store, owner)).toEqual([holder.id]);
      expect(await store.runs.get(tenant, holder.id)).toEqual(holder);
      const later = await interrupt(store);
      const last = await queue(store);

      await finish(store, holder, { status: 'cancelled' });
      const order: string[] = [];
      for (let n = 0; n < 4; n += 1) {
        const next = await claimOne(store);
        order.push(next.id);
        await finish(store, next);
      }
      expect(order).toEqual([later.id, first.id, waiting.id, last.id]);
    });

    test('cancels one that waits for a person at once, and starts', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const usage = { ...noUsage, requests: 1, totalTokens: 12 };
      const holder = await pause(store, await start(store), { usage, costUsd: 0.5, lastAgent: 'orders' });
      const run = await interrupt(store);
      expect(run).toMatchObject({ status: 'running', attempt: 1, sessionSeqAtStart: 0 });
      const ended = await store.runs.get(tenant, holder.id);
      expect(ended).toEqual({
        ...holder,
        status: 'cancelled',
        error: cancelled,
        requiredAction: null,
        finishedAtMs: expect.any(Number),
      });
      expect((await journalOf(store, holder)).events).toMatchObject([{ seq: 2, type: 'run.cancelled', data: {} }]);
      // What the ended run took counts in its session.
      expect(await store.sessions.get(tenant, 's-1')).toMatchObject({
        activeRunId: run.id,
        usage,
        costUsd: 0.5,
        lastAgent: 'orders',
        runsCount: 2,
      });
    });

    test('cancels one that holds the session but was handed back at once, and starts', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const holder = await start(store);
      await handBack(store, holder);
      const run = await interrupt(store);
      expect(run).toMatchObject({ status: 'running' });
      expect(await store.runs.get(tenant, holder.id)).toMatchObject({ status: 'cancelled', error: cancelled });
      expect(await store.sessions.get(tenant, 's-1')).toMatchObject({ activeRunId: run.id });
    });

    test('that is not to start now is queued, and the next to be claimed', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const holder = await pause(store, await start(store));
      const run = await interrupt(store, {}, false);
      expect(run).toMatchObject({ status: 'queued' });
      expect(await store.runs.get(tenant, holder.id)).toMatchObject({ status: 'cancelled' });
      expect(await claimIds(store)).toEqual([run.id]);
    });

    test('does not touch the session of the same name of another tenant', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const theirs = await start(store, { tenantId: otherTenant });
      await interrupt(store);
      expect(await cancelRequested(store, owner)).toEqual([]);
      expect(await store.runs.get(otherTenant, theirs.id)).toEqual(theirs);
    });
  });
}
