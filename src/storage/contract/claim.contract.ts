import { describe, expect, test } from 'vitest';
import type { NewRun, Store } from '../port/index.ts';
import {
  centuriesMs,
  claim,
  claimIds,
  claimOne,
  finish,
  handBack,
  idsOf,
  journalOf,
  longAgoMs,
  newEvent,
  newStep,
  noEntries,
  notYetMs,
  type OpenStore,
  otherTenant,
  owner,
  pause,
  poison,
  queue,
  start,
  tenant,
} from './fixture.contract.ts';

const queueAll = async (store: Store, asked: Partial<NewRun>[]): Promise<string[]> => {
  const ids: string[] = [];
  for (const overrides of asked) ids.push((await queue(store, { sessionId: null, ...overrides })).id);
  return ids;
};

/** Runs that one process after another lost, each once. */
async function queueCrashed(store: Store, asked: Partial<NewRun>[]): Promise<string[]> {
  const ids: string[] = [];
  for (const overrides of asked) ids.push((await start(store, { sessionId: null, ...overrides })).id);
  expect(idsOf((await store.runs.recoverOrphans(poison, 100)).requeued)).toEqual(ids);
  return ids;
}

/** What `RunStore.claim` and `RunStore.handBack` promise. */
export function describeClaim(open: OpenStore): void {
  describe('claiming runs', () => {
    test('a claimed run is running, at the next attempt, and belongs to the claiming process', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const queued = await queue(store, { mode: 'background', tenantId: otherTenant });
      const [claimed] = await claim(store, {}, 'proc_1');
      expect(claimed?.run).toEqual({
        ...queued,
        status: 'running',
        attempt: 1,
        ownerId: 'proc_1',
        sessionSeqAtStart: 0,
        startedAtMs: expect.any(Number),
      });
      expect(claimed?.run.startedAtMs).toBeGreaterThanOrEqual(queued.createdAtMs);
      expect(await store.runs.get(otherTenant, queued.id)).toEqual(claimed?.run);
      expect(await store.sessions.get(otherTenant, 's-1')).toMatchObject({ activeRunId: queued.id, runsCount: 1 });
      expect(await claim(store)).toEqual([]);
    });

    test('runs for which a client waits are claimed by priority, highest first, then in order of arrival; then background runs', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const [a, b, c, d, e] = await queueAll(store, [
        { id: 'run_e' },
        { id: 'run_d', priority: 5, mode: 'background' },
        { id: 'run_c', priority: -1 },
        { id: 'run_b', tenantId: otherTenant, mode: 'background' },
        { id: 'run_a', priority: 5, mode: 'stream' },
      ]);
      expect(await claimIds(store)).toEqual([e, a, c, b, d]);
    });

    test('at most `limit` runs are claimed, the first ones', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const ids = await queueAll(store, [{}, { mode: 'background' }, {}, { mode: 'background' }, {}]);
      expect(await claimIds(store, { limit: 0 })).toEqual([]);
      expect(await claimIds(store, { limit: 2 })).toEqual([ids[0], ids[2]]);
      expect(await claimIds(store, { limit: 2 })).toEqual([ids[4], ids[1]]);
      expect(await claimIds(store, { limit: 2 })).toEqual([ids[3]]);
    });

    test('at most `backgroundMax` background runs are claimed, and runs for which a client waits come first', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const background = Array.from({ length: 20 }, () => ({ mode: 'background', priority: 1 }) as const);
      const ids = await queueAll(store, [...background, {}, { mode: 'stream' }]);
      expect(await claimIds(store, { backgroundMax: 0, limit: 1 })).toEqual([ids[20]]);
      expect(await claimIds(store, { backgroundMax: 2 })).toEqual([ids[21], ids[0], ids[1]]);
      expect(await claimIds(store, { backgroundMax: 0 })).toEqual([]);
      expect(await claimIds(store)).toEqual(ids.slice(2, 20));
    });

    test('a run is not claimed before its time', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const runAtMs = notYetMs;
      const [inBackground, now, inStream] = await queueAll(store, [
        { mode: 'background', runAtMs, priority: 7 },
        { mode: 'background' },
        { mode: 'stream', runAtMs },
      ]);
      expect(await claimIds(store)).toEqual([now]);
      for (const id of [inBackground, inStream]) await fixture.ageRun(id ?? '', centuriesMs);
      expect(await claimIds(store)).toEqual([inStream, inBackground]);
    });

    test('scheduled runs that are due are claimed with the others, by priority, then in order of arrival', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const runAtMs = longAgoMs;
      const [a, b, c, d] = await queueAll(store, [
        { mode: 'background', runAtMs: runAtMs + 500 },
        { mode: 'background' },
        { mode: 'background', runAtMs },
        { mode: 'background', runAtMs, priority: 1 },
      ]);
      expect(await claimIds(store, { limit: 3 })).toEqual([d, a, b]);
      expect(await claimIds(store)).toEqual([c]);
    });

    test('background runs are claimed from each tenant in turn, however many one of them has queued', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const mode = 'background';
      const many = await queueAll(
        store,
        Array.from({ length: 30 }, () => ({ mode, priority: 9 }) as const),
      );
      const [one, two, urgent] = await queueAll(store, [
        { mode, tenantId: otherTenant },
        { mode, tenantId: otherTenant, runAtMs: longAgoMs },
        { mode, tenantId: otherTenant, priority: 5 },
      ]);
      // Priority is among the runs of a tenant, and among tenants that have as much.
      expect(await claimIds(store, { limit: 4 })).toEqual([many[0], urgent, many[1], one]);
      expect(await claimIds(store, { limit: 3 })).toEqual([many[2], two, many[3]]);
    });

    test('a tenant with fewer running in the background comes first, until it has as many', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const mode = 'background';
      await queueAll(store, [{ mode }, { mode }]);
      expect(await claimIds(store)).toHaveLength(2);
      const [own] = await queueAll(store, [{ mode, priority: 9 }]);
      const others = await queueAll(
        store,
        Array.from({ length: 3 }, () => ({ mode, tenantId: otherTenant }) as const),
      );
      expect(await claimIds(store, { limit: 2 })).toEqual(others.slice(0, 2));
      expect(await claimIds(store, { limit: 1 })).toEqual([own]);
    });

    test('each of many tenants is served', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const tenants = Array.from({ length: 130 }, (_, n) => `tenant-${n}`);
      const asked = tenants.flatMap((tenantId) => [{ tenantId }, { tenantId }]);
      await Promise.all(asked.map((each) => queue(store, { ...each, sessionId: null, mode: 'background' })));
      const claimed = (await Promise.all(Array.from({ length: 26 }, () => claim(store, { limit: 10 })))).flat();
      expect(new Set(claimed.map(({ run }) => run.tenantId)).size).toBe(130);
    });

    test('of the runs of a session only the first is claimed, and only while no run holds the session', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const held = await start(store, { sessionId: 's-held' });
      await queue(store, { sessionId: 's-held' });
      const first = await queue(store, { sessionId: 's-1' });
      const second = await queue(store, { sessionId: 's-1', priority: 9 });
      const other = await queue(store, { sessionId: 's-2' });
      expect(await claimIds(store)).toEqual([first.id, other.id]);
      expect(await claimIds(store)).toEqual([]);
      expect(await store.sessions.get(tenant, 's-1')).toMatchObject({ activeRunId: first.id });
      expect(await store.sessions.get(tenant, 's-held')).toMatchObject({ activeRunId: held.id });
      expect(await store.runs.get(tenant, second.id)).toEqual(second);
    });

    test('runs that cannot be claimed do not block others, however many there are', async () => {
      await using fixture = await open();
      const { store } = fixture;
      await start(store);
      await Promise.all(Array.from({ length: 300 }, () => queue(store, { priority: 1 })));
      const [free] = await queueAll(store, [{}]);
      expect(await claimIds(store, { limit: 1 })).toEqual([free]);
    });

    test('at most one run that crashed is claimed, and none unless `crashed` allows it', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const crashed = await queueCrashed(store, [{}, { mode: 'background', priority: 5 }, {}]);
      const others = await queueAll(store, [{ priority: 9 }, {}]);
      expect(await claimIds(store, { crashed: false })).toEqual(others);
      expect(await claimIds(store)).toEqual([crashed[1]]);
      expect(await claimIds(store, { limit: 1 })).toEqual([crashed[0]]);
      expect(await claimIds(store, { crashed: false })).toEqual([]);
      expect(await claimIds(store)).toEqual([crashed[2]]);
    });

    test('a background run that crashed counts as a background run', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const [background, plain] = await queueCrashed(store, [{ mode: 'background', priority: 5 }, {}]);
      expect(await claimIds(store, { backgroundMax: 0 })).toEqual([plain]);
      const [more] = await queueAll(store, [{ mode: 'background' }]);
      expect(await claimIds(store, { backgroundMax: 1 })).toEqual([background]);
      expect(await claimIds(store, { backgroundMax: 1 })).toEqual([more]);
    });

    test('runs that are running, wait for a person or have ended are not claimed', async () => {
      await using fixture = await open();
      const { store } = fixture;
      await start(store, { sessionId: null });
      await pause(store, await start(store, { sessionId: null }));
      await finish(store, await start(store, { sessionId: null }));
      const waiting = await queue(store, { sessionId: null });
      await finish(store, waiting, { status: 'cancelled' });
      expect(await claim(store)).toEqual([]);
    });
  });

  describe('the runs of a process', () => {
    test('are those that it started or claimed and that are still running at that attempt, of all tenants', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const started = await start(store, { sessionId: null, ownerId: 'proc_1' });
      const returned = await start(store, { sessionId: null, tenantId: otherTenant, ownerId: 'proc_1' });
      await finish(store, await start(store, { sessionId: null, ownerId: 'proc_1' }));
      await pause(store, await start(store, { sessionId: null, ownerId: 'proc_1' }));
      await start(store, { sessionId: null, ownerId: 'proc_2' });
      await handBack(store, returned);
      expect(await store.runs.owned('proc_1')).toEqual([
        { tenantId: tenant, id: started.id, attempt: 1, cancelRequested: false },
      ]);
      await claim(store, {}, 'proc_1');
      expect(await store.runs.owned('proc_1')).toContainEqual({
        tenantId: otherTenant,
        id: returned.id,
        attempt: 2,
        cancelRequested: false,
      });
      expect(await store.runs.owned('proc_unknown')).toEqual([]);
    });
  });

  describe('handing a run back', () => {
    test('queues it again with its session and its whole journal, and counts no crash', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store);
      await store.journal.append(tenant, run.id, 1, { steps: [newStep(1)], events: [newEvent(2)] });
      const entries = { steps: [newStep(2)], events: [newEvent(3)] };
      expect(await store.runs.handBack(tenant, run.id, 1, entries)).toBe(true);
      const queued = { ...run, status: 'queued', ownerId: null };
      expect(await store.runs.get(tenant, run.id)).toEqual(queued);
      expect(await store.sessions.get(tenant, 's-1')).toMatchObject({ activeRunId: run.id, itemsCount: 0 });
      expect(await journalOf(store, run)).toEqual({
        steps: [newStep(1), ...entries.steps],
        events: [newEvent(2), ...entries.events],
      });
      expect((await store.runs.recoverOrphans(poison, 10)).requeued).toEqual([]);
    });

    test('lets the next claim continue it: one more attempt, the same start and the same history', async () => {
      await using fixture = await open();
      const { store } = fixture;
      await finish(store, await start(store), { newItems: [{ n: 1 }] });
      const run = await start(store);
      await handBack(store, run);
      const again = await claimOne(store, 'proc_2');
      expect(again).toEqual({ ...run, attempt: 2, ownerId: 'proc_2' });
      await finish(store, again, { newItems: [{ n: 2 }] });
      expect(await store.sessions.history(tenant, 's-1', 10)).toEqual([{ n: 1 }, { n: 2 }]);
    });

    test('writes nothing unless the run is running at its attempt and of its tenant', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store);
      const waiting = await queue(store);
      const ended = await finish(store, await start(store, { sessionId: null }));
      const paused = await pause(store, await start(store, { sessionId: null }));
      const entries = { steps: [newStep(1)], events: [newEvent(2)] };
      for (const attempt of [0, 2]) expect(await store.runs.handBack(tenant, run.id, attempt, entries)).toBe(false);
      expect(await store.runs.handBack(otherTenant, run.id, 1, entries)).toBe(false);
      expect(await store.runs.handBack(tenant, 'run_unknown', 1, entries)).toBe(false);
      for (const { id, attempt } of [waiting, ended, paused]) {
        expect(await store.runs.handBack(tenant, id, attempt, entries)).toBe(false);
      }
      for (const each of [run, waiting, ended, paused]) {
        expect(await store.runs.get(tenant, each.id)).toEqual(each);
        expect(await journalOf(store, each)).toEqual(noEntries);
      }
    });

    test('leaves the run running if its journal cannot be recorded', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store, { ownerId: owner });
      await store.journal.append(tenant, run.id, 1, { steps: [], events: [newEvent(2)] });
      const entries = { steps: [newStep(1)], events: [newEvent(2, { type: 'other' })] };
      await expect(store.runs.handBack(tenant, run.id, 1, entries)).rejects.toThrow();
      expect(await store.runs.get(tenant, run.id)).toEqual(run);
      expect(await store.journal.steps(tenant, run.id)).toEqual([]);
    });
  });
}
