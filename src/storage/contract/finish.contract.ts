import { describe, expect, test } from 'vitest';
import type { Usage } from '../port/index.ts';
import {
  claimOne,
  finalRun,
  finish,
  handBack,
  journalOf,
  newEvent,
  newStep,
  noEntries,
  noUsage,
  type OpenStore,
  otherTenant,
  pause,
  queue,
  sessionState,
  start,
  tenant,
  unstoredRun,
} from './fixture.contract.ts';

const usage: Usage = {
  requests: 2,
  inputTokens: 280,
  cachedInputTokens: 100,
  outputTokens: 41,
  reasoningTokens: 7,
  totalTokens: 321,
};

/** What `RunStore.finish` promises. */
export function describeFinish(open: OpenStore): void {
  describe('ending a run', () => {
    test('the final state, the items and the release of the session are there together', async () => {
      await using fixture = await open();
      const run = await start(fixture.store);
      const final = finalRun({
        lastAgent: 'orders',
        output: { answer: 42 },
        usage,
        costUsd: 0.25,
        drift: true,
        firstTokenMs: 210,
        newItems: [
          { role: 'user', content: 'Where is my order?' },
          { role: 'assistant', content: 'It left today.' },
        ],
      });
      const finished = await fixture.store.runs.finish(run, final);
      const { newItems, entries, ...state } = final;
      expect(finished).toEqual({ ...run, ...state, ownerId: null, finishedAtMs: expect.any(Number) });
      expect(finished?.finishedAtMs).toBeGreaterThanOrEqual(run.createdAtMs);
      expect(await fixture.store.runs.get(tenant, run.id)).toEqual(finished);

      const { session, items } = await sessionState(fixture.store);
      expect(session).toMatchObject({ activeRunId: null, itemsCount: 2, runsCount: 1, lastAgent: 'orders' });
      expect(session?.updatedAtMs).toBeGreaterThanOrEqual(run.createdAtMs);
      const [first, second] = newItems;
      expect(items).toEqual({
        data: [
          { seq: 1, runId: run.id, createdAtMs: expect.any(Number), item: first },
          { seq: 2, runId: run.id, createdAtMs: expect.any(Number), item: second },
        ],
        next: null,
      });
    });

    for (const status of ['completed', 'failed', 'cancelled', 'timed_out'] as const) {
      test(`a run can end as ${status}, with its error`, async () => {
        await using fixture = await open();
        const run = await start(fixture.store);
        const error =
          status === 'completed' ? null : { code: 'agent_error', detail: 'Agent error: E', retryable: false };
        expect(await finish(fixture.store, run, { status, error })).toMatchObject({ status, error });
        expect(await fixture.store.sessions.get(tenant, 's-1')).toMatchObject({ activeRunId: null });
      });
    }

    test('a run that was handed back is not ended by the process that handed it back', async () => {
      await using fixture = await open();
      const run = await start(fixture.store);
      await handBack(fixture.store, run);
      expect(await fixture.store.runs.finish(run, finalRun({}))).toBeNull();
      expect(await fixture.store.runs.get(tenant, run.id)).toMatchObject({ status: 'queued', attempt: 1 });
    });

    test('the rest of its journal is recorded with the end', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store);
      await store.journal.append(tenant, run.id, 1, { steps: [newStep(1)], events: [newEvent(2)] });
      const entries = {
        steps: [newStep(1, { replayed: 1 }), newStep(2)],
        events: [newEvent(3), newEvent(4, { type: 'run.completed', data: {} })],
      };
      await finish(store, run, { entries });
      expect(await journalOf(store, run)).toEqual({ steps: entries.steps, events: [newEvent(2), ...entries.events] });
    });

    test('an end whose journal cannot be recorded is not stored, and can be retried', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store);
      await store.journal.append(tenant, run.id, 1, { steps: [], events: [newEvent(2)] });
      const before = await sessionState(store);
      const entries = { steps: [newStep(1)], events: [newEvent(2, { type: 'other' })] };
      const end = finalRun({ newItems: [{ n: 1 }], entries });
      await expect(store.runs.finish(run, end)).rejects.not.toMatchObject({ name: 'ServiceError' });
      expect(await store.runs.get(tenant, run.id)).toEqual(run);
      expect(await sessionState(store)).toEqual(before);
      expect(await journalOf(store, run)).toEqual({ steps: [], events: [newEvent(2)] });
      expect(await finish(store, run, { entries: { steps: [], events: [newEvent(3)] } })).toMatchObject({ attempt: 1 });
    });

    test('a run without a session ends without one', async () => {
      await using fixture = await open();
      const run = await start(fixture.store, { sessionId: null });
      expect(await finish(fixture.store, run, { usage })).toMatchObject({ status: 'completed', usage });
      expect((await fixture.store.sessions.list(tenant, 10, null)).data).toEqual([]);
    });

    test('an attempt that is not the current one writes nothing', async () => {
      await using fixture = await open();
      const run = await start(fixture.store);
      const before = await sessionState(fixture.store);
      for (const attempt of [0, 2]) {
        const entries = { steps: [newStep(1)], events: [newEvent(2)] };
        const final = finalRun({ usage, newItems: [{ n: 1 }], entries });
        expect(await fixture.store.runs.finish({ ...run, attempt }, final)).toBeNull();
        expect(await fixture.store.runs.finish({ ...run, tenantId: otherTenant }, final)).toBeNull();
      }
      expect(await fixture.store.runs.get(tenant, run.id)).toEqual(run);
      expect(await sessionState(fixture.store)).toEqual(before);
      expect(await journalOf(fixture.store, run)).toEqual(noEntries);
    });

    test('a run that has ended does not end again', async () => {
      await using fixture = await open();
      const run = await start(fixture.store);
      const finished = await finish(fixture.store, run, { newItems: [{ n: 1 }] });
      const before = await sessionState(fixture.store);
      const entries = { steps: [newStep(1)], events: [newEvent(2)] };
      const again = finalRun({ status: 'failed', usage, newItems: [{ n: 2 }], entries });
      expect(await fixture.store.runs.finish(run, again)).toBeNull();
      expect(await fixture.store.runs.get(tenant, run.id)).toEqual(finished);
      expect(await sessionState(fixture.store)).toEqual(before);
      expect(await journalOf(fixture.store, run)).toEqual(noEntries);
    });

    test('a run that waits for a person can be ended, which frees its session', async () => {
      await using fixture = await open();
      const run = await start(fixture.store);
      await pause(fixture.store, run);
      const ended = await finish(fixture.store, run, { status: 'cancelled' });
      expect(ended).toMatchObject({ status: 'cancelled', requiredAction: null });
      expect(await fixture.store.sessions.get(tenant, 's-1')).toMatchObject({ activeRunId: null });
    });

    test('an unknown run cannot end', async () => {
      await using fixture = await open();
      expect(await fixture.store.runs.finish(unstoredRun('run_unknown'), finalRun())).toBeNull();
    });

    test('a waiting run that ends does not release the session of the one that holds it', async () => {
      await using fixture = await open();
      const holder = await start(fixture.store);
      const waiting = await queue(fixture.store);
      await finish(fixture.store, waiting, { status: 'cancelled' });
      expect(await fixture.store.sessions.get(tenant, 's-1')).toMatchObject({ activeRunId: holder.id });
    });
  });

  describe("a session's items and sums", () => {
    test('items of one run after another are numbered from 1 without gaps', async () => {
      await using fixture = await open();
      const runIds: string[] = [];
      for (const count of [3, 0, 2, 1]) {
        const run = await start(fixture.store);
        const newItems = Array.from({ length: count }, (_, index) => ({ run: run.id, index }));
        await finish(fixture.store, run, { newItems });
        for (let n = 0; n < count; n += 1) runIds.push(run.id);
      }
      const { session, items } = await sessionState(fixture.store);
      expect(items.data.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6]);
      expect(items.data.map(({ runId }) => runId)).toEqual(runIds);
      expect(session).toMatchObject({ itemsCount: 6, runsCount: 4 });
    });

    test('tokens and known costs add up over the runs of a session', async () => {
      await using fixture = await open();
      await finish(fixture.store, await start(fixture.store), { usage, costUsd: null });
      expect(await fixture.store.sessions.get(tenant, 's-1')).toMatchObject({ usage, costUsd: null });
      await finish(fixture.store, await start(fixture.store), { usage, costUsd: 0.25 });
      await finish(fixture.store, await start(fixture.store), { usage: noUsage, costUsd: 0.5 });
      await finish(fixture.store, await start(fixture.store), { usage: noUsage, costUsd: null });
      expect(await fixture.store.sessions.get(tenant, 's-1')).toMatchObject({
        usage: {
          requests: 4,
          inputTokens: 560,
          cachedInputTokens: 200,
          outputTokens: 82,
          reasoningTokens: 14,
          totalTokens: 642,
        },
        costUsd: 0.75,
      });
    });

    test('sums may grow beyond 32 bits', async () => {
      await using fixture = await open();
      const large = { ...noUsage, inputTokens: 5_000_000_000, totalTokens: 5_000_000_000 };
      for (let n = 0; n < 2; n += 1) await finish(fixture.store, await start(fixture.store), { usage: large });
      expect(await fixture.store.sessions.get(tenant, 's-1')).toMatchObject({
        usage: { ...noUsage, inputTokens: 10_000_000_000, totalTokens: 10_000_000_000 },
      });
    });

    test('the last agent of a session is that of the last run that had one', async () => {
      await using fixture = await open();
      await finish(fixture.store, await start(fixture.store), { lastAgent: 'orders' });
      await finish(fixture.store, await start(fixture.store), { status: 'failed', lastAgent: null });
      expect(await fixture.store.sessions.get(tenant, 's-1')).toMatchObject({ lastAgent: 'orders' });
    });

    test('the history of a run ends with the last item of the session at its start', async () => {
      await using fixture = await open();
      const { sessions, runs } = fixture.store;
      await finish(fixture.store, await start(fixture.store), { newItems: [{ n: 1 }, { n: 2 }] });
      const run = await start(fixture.store);
      await finish(fixture.store, run, { newItems: [{ n: 3 }] });
      expect(run.sessionSeqAtStart).toBe(2);
      expect((await runs.get(tenant, run.id))?.sessionSeqAtStart).toBe(2);
      expect(await sessions.history(tenant, 's-1', 0)).toEqual([]);
      expect(await sessions.history(tenant, 's-1', 2)).toEqual([{ n: 1 }, { n: 2 }]);
      expect(await sessions.history(tenant, 's-1', 99)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
      expect(await sessions.history(tenant, 's-unknown', 99)).toEqual([]);
    });

    test('a run that waited, then started, writes its items after those it saw', async () => {
      await using fixture = await open();
      const { sessions } = fixture.store;
      const first = await start(fixture.store);
      await queue(fixture.store);
      await finish(fixture.store, first, { newItems: [{ of: 'first' }] });
      await finish(fixture.store, await claimOne(fixture.store), { newItems: [{ of: 'second' }] });
      expect(await sessions.history(tenant, 's-1', 10)).toEqual([{ of: 'first' }, { of: 'second' }]);
    });
  });
}
