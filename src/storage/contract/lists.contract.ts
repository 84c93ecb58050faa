import { describe, expect, test } from 'vitest';
import type { Run, RunFilter, Store } from '../port/index.ts';
import {
  cancelled,
  cancelRequested,
  finish,
  idsOf,
  notYetMs,
  type OpenStore,
  otherTenant,
  pause,
  queue,
  readAll,
  start,
  tenant,
} from './fixture.contract.ts';

const listIds = async (store: Store, filter: RunFilter): Promise<string[]> =>
  idsOf((await store.runs.list(tenant, filter, 50, null)).data);

/** What `RunStore.get`, `RunStore.list` and the reading half of `SessionStore` promise. */
export function describeLists(open: OpenStore): void {
  describe('reading runs', () => {
    test('a run that the tenant does not have is null', async () => {
      await using fixture = await open();
      const run = await start(fixture.store);
      expect(await fixture.store.runs.get(tenant, 'run_unknown')).toBeNull();
      expect(await fixture.store.runs.get(otherTenant, run.id)).toBeNull();
    });

    test('runs are listed newest first, whole, and only those of the tenant', async () => {
      await using fixture = await open();
      const first = await start(fixture.store);
      await start(fixture.store, { tenantId: otherTenant });
      const second = await finish(fixture.store, await start(fixture.store, { sessionId: 's-2' }), { output: [1] });
      expect(await fixture.store.runs.list(tenant, {}, 50, null)).toEqual({ data: [second, first], next: null });
      expect(await fixture.store.runs.list('tenant-c', {}, 50, null)).toEqual({ data: [], next: null });
    });

    test('every condition of a filter must hold', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const done = await finish(store, await start(store, { agent: 'orders' }));
      const failed = await finish(store, await start(store), { status: 'failed' });
      const running = await start(store);
      const waiting = await queue(store, { agent: 'orders' });
      const alone = await start(store, { sessionId: null });
      const times = [done, failed, running, waiting, alone].entries();
      for (const [index, run] of times) await fixture.patchRun(run.id, { createdAtMs: 1000 + index });

      expect(await listIds(store, { status: 'running' })).toEqual([alone.id, running.id]);
      expect(await listIds(store, { status: 'requires_action' })).toEqual([]);
      expect(await listIds(store, { sessionId: 's-1' })).toEqual([waiting.id, running.id, failed.id, done.id]);
      expect(await listIds(store, { agent: 'orders' })).toEqual([waiting.id, done.id]);
      expect(await listIds(store, { agent: 'orders', status: 'queued', sessionId: 's-1' })).toEqual([waiting.id]);
      expect(await listIds(store, { agent: 'orders', status: 'failed' })).toEqual([]);
      expect(await listIds(store, { sinceMs: 1003 })).toEqual([alone.id, waiting.id]);
      expect(await listIds(store, { untilMs: 1001 })).toEqual([done.id]);
      expect(await listIds(store, { sinceMs: 1001, untilMs: 1003, status: 'failed' })).toEqual([failed.id]);
    });

    test('paging shows every run once, in order', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const runs: Run[] = [];
      for (let n = 0; n < 12; n += 1) runs.push(await start(store, { sessionId: null, agent: n % 2 ? 'odd' : 'even' }));
      const newestFirst = idsOf(runs).reverse();
      for (const limit of [1, 5, 12, 50]) {
        const { rows, pages } = await readAll<Run, string>((before) => store.runs.list(tenant, {}, limit, before));
        expect(idsOf(rows)).toEqual(newestFirst);
        expect(pages).toBe(Math.ceil(12 / limit));
      }
      const odd = await readAll<Run, string>((before) => store.runs.list(tenant, { agent: 'odd' }, 2, before));
      expect(idsOf(odd.rows)).toEqual(idsOf(runs.filter((run) => run.agent === 'odd')).reverse());
    });

    test('a list is ordered by creation, and by id within a millisecond, however it is paged and filtered', async () => {
      await using fixture = await open();
      const { store } = fixture;
      // Clocks of processes differ, so ids do not always rise with the time of creation.
      const newestFirst: [string, number][] = [
        ['run_a', 4000],
        ['run_z', 3000],
        ['run_d', 2000],
        ['run_c', 2000],
        ['run_B', 2000],
        ['run_y', 1000],
      ];
      for (const [id] of newestFirst) await start(store, { id, sessionId: null });
      for (const [id, createdAtMs] of newestFirst) await fixture.patchRun(id, { createdAtMs });
      const untilMs = 4000;
      for (const limit of [1, 2, 5]) {
        const all = await readAll<Run, string>((before) => store.runs.list(tenant, {}, limit, before));
        expect(idsOf(all.rows)).toEqual(newestFirst.map(([id]) => id));
        const older = await readAll<Run, string>((before) => store.runs.list(tenant, { untilMs }, limit, before));
        expect(idsOf(older.rows)).toEqual(['run_z', 'run_d', 'run_c', 'run_B', 'run_y']);
      }
      // A cursor that lies beyond what the filter shows does not widen it.
      expect(idsOf((await store.runs.list(tenant, { untilMs: 2000 }, 10, 'run_z')).data)).toEqual(['run_y']);
    });

    test('a name that cannot exist is not found, without an error', async () => {
      await using fixture = await open();
      const { store } = fixture;
      await start(store);
      for (const name of ['a\u0000b', 'a\ud800', "' or 1=1 --", '']) {
        expect(await store.runs.get(tenant, name)).toBeNull();
        expect(await store.runs.requestCancel(tenant, name, cancelled)).toBeNull();
        expect(await cancelRequested(store, name)).toEqual([]);
        expect(await store.journal.steps(tenant, name)).toEqual([]);
        expect(await store.journal.events(tenant, name, 0, 10)).toEqual([]);
        expect(await store.sessions.get(tenant, name)).toBeNull();
        expect(await store.sessions.delete(tenant, name)).toEqual({ type: 'not_found' });
        expect((await store.sessions.items(tenant, name, 10, 0)).data).toEqual([]);
        expect(await listIds(store, { agent: name })).toEqual([]);
        expect(await listIds(store, { sessionId: name })).toEqual([]);
        expect((await store.runs.list(name, {}, 10, name)).data).toEqual([]);
      }
    });

    test('runs that are created while a list is paged do not shift it', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const old = [await start(store, { sessionId: null }), await start(store, { sessionId: null })];
      const first = await store.runs.list(tenant, {}, 1, null);
      await start(store, { sessionId: null });
      const second = await store.runs.list(tenant, {}, 1, first.next);
      expect(idsOf([...first.data, ...second.data])).toEqual(idsOf(old).reverse());
    });
  });

  describe('counting runs', () => {
    test('counts those of all tenants that have not ended, by their status', async () => {
      await using fixture = await open();
      const { store } = fixture;
      expect(await store.runs.countUnfinished()).toEqual({ queued: 0, running: 0, requires_action: 0 });
      await start(store);
      await start(store, { tenantId: otherTenant, sessionId: null });
      await finish(store, await start(store, { sessionId: null }));
      await pause(store, await start(store, { sessionId: null }));
      await queue(store);
      await queue(store, { sessionId: null, mode: 'background', runAtMs: notYetMs });
      await queue(store, { sessionId: null, mode: 'background' });
      expect(await store.runs.countUnfinished()).toEqual({ queued: 3, running: 2, requires_action: 1 });
    });
  });

  describe('reading sessions', () => {
    test('a session that the tenant does not have is null, and has no items', async () => {
      await using fixture = await open();
      await finish(fixture.store, await start(fixture.store), { newItems: [{ n: 1 }] });
      expect(await fixture.store.sessions.get(tenant, 's-unknown')).toBeNull();
      expect(await fixture.store.sessions.get(otherTenant, 's-1')).toBeNull();
      expect(await fixture.store.sessions.items(otherTenant, 's-1', 10, 0)).toEqual({ data: [], next: null });
      expect(await fixture.store.sessions.list(otherTenant, 10, null)).toEqual({ data: [], next: null });
    });

    test('sessions are listed by their last change, newest first, then by id, and each once', async () => {
      await using fixture = await open();
      const { store } = fixture;
      // The ids of one moment sort by their bytes, whatever the language of the machine.
      const inOrder: [string, number][] = [
        ['s-new', 3000],
        ['b', 2000],
        ['a', 2000],
        ['_', 2000],
        ['B', 2000],
        ['-z', 2000],
        ['s-old', 1000],
      ];
      for (const [sessionId] of inOrder) await start(store, { sessionId });
      for (const [id, updatedAtMs] of inOrder) await fixture.patchSession(tenant, id, { updatedAtMs });
      for (const limit of [1, 2, 3, 7]) {
        const { rows, pages } = await readAll((after: { updatedAtMs: number; id: string } | null) =>
          store.sessions.list(tenant, limit, after),
        );
        expect(idsOf(rows)).toEqual(inOrder.map(([id]) => id));
        expect(pages).toBe(Math.ceil(7 / limit));
      }
    });

    test('a run that is created or ends brings its session to the top', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const old = { updatedAtMs: 1000 };
      const topId = async () => (await store.sessions.list(tenant, 1, null)).data[0]?.id;
      const a = await start(store, { sessionId: 'a' });
      await start(store, { sessionId: 'b' });
      for (const id of ['a', 'b']) await fixture.patchSession(tenant, id, old);
      await finish(store, a);
      expect(await topId()).toBe('a');
      await fixture.patchSession(tenant, 'a', old);
      await queue(store, { sessionId: 'b' });
      expect(await topId()).toBe('b');
    });

    test('paging shows every item once, in order', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const newItems = Array.from({ length: 7 }, (_, n) => ({ n }));
      await finish(store, await start(store), { newItems });
      for (const limit of [1, 3, 7, 50]) {
        const { rows, pages } = await readAll((after: number | null) =>
          store.sessions.items(tenant, 's-1', limit, after ?? 0),
        );
        expect(rows.map(({ item }) => item)).toEqual(newItems);
        expect(rows.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7]);
        expect(pages).toBe(Math.ceil(7 / limit));
      }
    });
  });

  describe('deleting a session', () => {
    test('removes the session and its items, and no other session', async () => {
      await using fixture = await open();
      const { sessions } = fixture.store;
      await finish(fixture.store, await start(fixture.store), { newItems: [{ n: 1 }] });
      await finish(fixture.store, await start(fixture.store, { sessionId: 's-2' }), { newItems: [{ n: 2 }] });
      expect(await sessions.delete(tenant, 's-1')).toEqual({ type: 'deleted' });
      expect(await sessions.get(tenant, 's-1')).toBeNull();
      expect((await sessions.items(tenant, 's-1', 10, 0)).data).toEqual([]);
      expect(await sessions.history(tenant, 's-1', 10)).toEqual([]);
      expect(await sessions.history(tenant, 's-2', 10)).toEqual([{ n: 2 }]);
      expect(await sessions.delete(tenant, 's-1')).toEqual({ type: 'not_found' });
    });

    test('a session made again after it was deleted begins anew', async () => {
      await using fixture = await open();
      const { store } = fixture;
      await finish(store, await start(store), { newItems: [{ n: 1 }] });
      await store.sessions.delete(tenant, 's-1');
      const run = await start(store);
      expect(run.sessionSeqAtStart).toBe(0);
      await finish(store, run, { newItems: [{ n: 2 }] });
      expect((await store.sessions.items(tenant, 's-1', 10, 0)).data).toMatchObject([{ seq: 1, item: { n: 2 } }]);
      expect(await store.sessions.get(tenant, 's-1')).toMatchObject({ runsCount: 1, itemsCount: 1 });
    });

    test('a session that a run holds or waits for is not deleted', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const holder = await start(store);
      expect(await store.sessions.delete(tenant, 's-1')).toEqual({ type: 'busy', activeRunId: holder.id });
      const waiting = await queue(store);
      await finish(store, holder, { newItems: [{ n: 1 }] });
      const later = await queue(store);
      expect(await store.sessions.delete(tenant, 's-1')).toEqual({ type: 'busy', activeRunId: waiting.id });
      for (const run of [waiting, later]) await finish(store, run, { status: 'cancelled' });
      expect(await store.sessions.history(tenant, 's-1', 10)).toEqual([{ n: 1 }]);
      expect(await store.sessions.delete(tenant, 's-1')).toEqual({ type: 'deleted' });
    });

    test('a session with a run whose time has not come is not deleted', async () => {
      await using fixture = await open();
      const scheduled = await queue(fixture.store, { runAtMs: notYetMs });
      expect(await fixture.store.sessions.delete(tenant, 's-1')).toEqual({ type: 'busy', activeRunId: scheduled.id });
    });

    test('a session whose run waits for a person is not deleted', async () => {
      await using fixture = await open();
      const holder = await start(fixture.store);
      await pause(fixture.store, holder);
      expect(await fixture.store.sessions.delete(tenant, 's-1')).toEqual({ type: 'busy', activeRunId: holder.id });
    });

    test("another tenant's session is not found", async () => {
      await using fixture = await open();
      await finish(fixture.store, await start(fixture.store), { newItems: [{ n: 1 }] });
      expect(await fixture.store.sessions.delete(otherTenant, 's-1')).toEqual({ type: 'not_found' });
      expect(await fixture.store.sessions.history(tenant, 's-1', 10)).toEqual([{ n: 1 }]);
    });
  });
}
