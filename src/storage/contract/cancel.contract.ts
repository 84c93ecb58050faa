import { describe, expect, test } from 'vitest';
import {
  cancelled,
  cancelRequested,
  claimIds,
  claimOne,
  finish,
  handBack,
  interrupt,
  journalOf,
  newEvent,
  newStep,
  notYetMs,
  noUsage,
  type OpenStore,
  otherTenant,
  owner,
  pause,
  queue,
  sessionState,
  start,
  tenant,
} from './fixture.contract.ts';

const wish = { code: 'cancelled', detail: 'Because.', retryable: true };

/** What `RunStore.requestCancel` and `RunStore.owned` promise. */
export function describeCancel(open: OpenStore): void {
  describe('requesting the cancellation of a run', () => {
    test('that is queued ends it at once, with the error and its last event', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const holder = await start(store);
      const run = await queue(store);
      const ended = await store.runs.requestCancel(tenant, run.id, wish);
      expect(ended).toEqual({ ...run, status: 'cancelled', error: wish, finishedAtMs: expect.any(Number) });
      expect(await store.runs.get(tenant, run.id)).toEqual(ended);
      expect((await journalOf(store, run)).events).toEqual([
        { seq: 2, type: 'run.cancelled', attempt: 0, atMs: expect.any(Number), data: {} },
      ]);
      expect(await store.sessions.get(tenant, 's-1')).toMatchObject({ activeRunId: holder.id, itemsCount: 0 });
      await finish(store, holder);
      expect(await claimIds(store)).toEqual([]);
    });

    test('that is queued without a session, or for later, ends it at once', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const plain = await queue(store, { sessionId: null });
      const later = await queue(store, { mode: 'background', runAtMs: notYetMs });
      for (const { id } of [plain, later]) {
        expect(await store.runs.requestCancel(tenant, id, cancelled)).toMatchObject({ status: 'cancelled' });
      }
      expect(await store.sessions.delete(tenant, 's-1')).toEqual({ type: 'deleted' });
    });

    test('that holds its session while it is queued again frees the session', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store);
      const waiting = await queue(store);
      await store.journal.append(tenant, run.id, 1, { steps: [newStep(1)], events: [newEvent(2), newEvent(3)] });
      await handBack(store, run);
      expect(await store.runs.requestCancel(tenant, run.id, cancelled)).toMatchObject({ status: 'cancelled' });
      expect((await journalOf(store, run)).events.at(-1)).toMatchObject({ seq: 4, type: 'run.cancelled', attempt: 1 });
      expect(await claimIds(store)).toEqual([waiting.id]);
    });

    test('that waits for a person ends it at once; its usage counts in its session, which is free', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const usage = { ...noUsage, requests: 1, totalTokens: 12 };
      const run = await pause(store, await start(store), { usage, costUsd: 0.5, lastAgent: 'orders' });
      const ended = await store.runs.requestCancel(tenant, run.id, wish);
      expect(ended).toEqual({
        ...run,
        status: 'cancelled',
        error: wish,
        requiredAction: null,
        finishedAtMs: expect.any(Number),
      });
      expect(await store.sessions.get(tenant, 's-1')).toMatchObject({
        activeRunId: null,
        usage,
        costUsd: 0.5,
        lastAgent: 'orders',
      });
      expect(await start(store)).toMatchObject({ status: 'running' });
    });

    test('that is running is stored for its process, and changes nothing else', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store, { ownerId: 'proc_1' });
      await start(store, { sessionId: null, ownerId: 'proc_1' });
      const other = await start(store, { sessionId: null, ownerId: 'proc_2' });
      const before = await sessionState(store);
      expect(await cancelRequested(store, 'proc_1')).toEqual([]);
      expect(await store.runs.requestCancel(tenant, run.id, wish)).toEqual(run);
      expect(await store.runs.requestCancel(tenant, run.id, wish)).toEqual(run);
      await store.runs.requestCancel(tenant, other.id, wish);
      expect(await cancelRequested(store, 'proc_1')).toEqual([run.id]);
      expect(await cancelRequested(store, 'proc_3')).toEqual([]);
      expect(await store.runs.get(tenant, run.id)).toEqual(run);
      expect(await sessionState(store)).toEqual(before);
      await finish(store, run, { status: 'cancelled', error: wish });
      expect(await cancelRequested(store, 'proc_1')).toEqual([]);
    });

    test('does not change how a running one ends by itself', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store);
      await store.runs.requestCancel(tenant, run.id, wish);
      expect(await store.journal.append(tenant, run.id, 1, { steps: [newStep(1)], events: [] })).toBe(true);
      expect(await finish(store, run)).toMatchObject({ status: 'completed', error: null });
    });

    test('ends a running one that its process hands back instead', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store);
      const waiting = await queue(store);
      await store.runs.requestCancel(tenant, run.id, wish);
      const entries = { steps: [newStep(1)], events: [newEvent(2)] };
      expect(await store.runs.handBack(tenant, run.id, 1, entries)).toBe(true);
      const usage = { ...noUsage, requests: 1, totalTokens: 12 }; // what the journal knows
      const ended = { ...run, status: 'cancelled', ownerId: null, error: cancelled, usage, costUsd: 0.25 };
      expect(await store.runs.get(tenant, run.id)).toEqual({ ...ended, finishedAtMs: expect.any(Number) });
      expect(await journalOf(store, run)).toMatchObject({
        steps: entries.steps,
        events: [newEvent(2), { seq: 3, type: 'run.cancelled', attempt: 1, data: {} }],
      });
      expect(await claimIds(store)).toEqual([waiting.id]);
    });

    test('ends a running one that would wait for a person, so that no run is queued behind it', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store);
      const next = await interrupt(store);
      const usage = { ...noUsage, requests: 2, totalTokens: 30 };
      const ended = await pause(store, run, { usage, entries: { steps: [], events: [newEvent(2)] } });
      expect(ended).toMatchObject({
        status: 'cancelled',
        error: cancelled,
        requiredAction: null,
        ownerId: null,
        usage,
      });
      expect(await store.runs.get(tenant, run.id)).toEqual(ended);
      expect((await journalOf(store, run)).events).toMatchObject([newEvent(2), { seq: 3, type: 'run.cancelled' }]);
      expect(await store.sessions.get(tenant, 's-1')).toMatchObject({ activeRunId: null, usage });
      expect((await claimOne(store)).id).toBe(next.id);
    });

    for (const status of ['completed', 'failed', 'cancelled', 'timed_out'] as const) {
      test(`that has ended changes nothing: ${status}`, async () => {
        await using fixture = await open();
        const { store } = fixture;
        const ended = await finish(store, await start(store), { status });
        const before = await sessionState(store);
        expect(await store.runs.requestCancel(tenant, ended.id, wish)).toEqual(ended);
        expect((await journalOf(store, ended)).events).toEqual([]);
        expect(await sessionState(store)).toEqual(before);
      });
    }

    test('that the tenant does not have is null, and changes no run', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store);
      const waiting = await queue(store);
      expect(await store.runs.requestCancel(otherTenant, run.id, cancelled)).toBeNull();
      expect(await store.runs.requestCancel(otherTenant, waiting.id, cancelled)).toBeNull();
      expect(await store.runs.requestCancel(tenant, 'run_unknown', cancelled)).toBeNull();
      expect(await cancelRequested(store, owner)).toEqual([]);
      expect(await store.runs.get(tenant, waiting.id)).toEqual(waiting);
    });
  });
}
