import { describe, expect, test } from 'vitest';
import type { Removed, Run, Store } from '../port/index.ts';
import {
  cancelled,
  centuriesMs,
  claim,
  finish,
  idsOf,
  journalOf,
  newEvent,
  newRun,
  newStep,
  noEntries,
  notYetMs,
  type OpenStore,
  otherTenant,
  pause,
  queue,
  sessionState,
  start,
  tenant,
} from './fixture.contract.ts';
import { expectSessionsConsistent } from './integrity.contract.ts';

const dayMs = 24 * 3_600_000;
const retentionMs = 30 * dayMs;
const idempotency = { key: 'key-1', fingerprint: 'f1', ttlMs: dayMs };
const entries = { steps: [newStep(1), newStep(2)], events: [newEvent(2), newEvent(3)] };

/** A run that ended, with a journal. */
const ended = async (store: Store, overrides: Parameters<typeof newRun>[0] = {}): Promise<Run> =>
  finish(store, await start(store, overrides), { newItems: [{ n: 1 }], entries });

/** Calls for batches until there are no more; returns how many were removed in all, and by how many calls. */
async function toTheEnd(batch: () => Promise<Removed>): Promise<{ removed: number; calls: number }> {
  for (let removed = 0, calls = 1; ; calls += 1) {
    const done = await batch();
    removed += done.removed;
    if (!done.more) return { removed, calls };
  }
}

/** So many runs that ended in one session. */
async function fill(store: Store, sessionId: string, count: number): Promise<Run[]> {
  const runs = await Promise.all(Array.from({ length: count }, () => queue(store, { sessionId })));
  await Promise.all(runs.map(({ id }) => store.runs.requestCancel(tenant, id, cancelled)));
  return runs;
}

/** What the port promises of runs and keys that have had their time. */
export function describeRetention(open: OpenStore): void {
  describe('pruning runs', () => {
    test('removes those that ended long enough ago, with their journal, and no others', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const old = await ended(store);
      const theirs = await ended(store, { tenantId: otherTenant, sessionId: null });
      const young = await ended(store);
      for (const { id } of [old, theirs]) await fixture.ageRun(id, retentionMs + 60_000);
      await fixture.ageRun(young.id, retentionMs - 60_000);
      const kept = await store.runs.get(tenant, young.id);

      expect(await store.retention.pruneRuns(retentionMs, 10)).toEqual({ removed: 2, more: false });
      for (const run of [old, theirs]) {
        expect(await store.runs.get(run.tenantId, run.id)).toBeNull();
        expect(await journalOf(store, run)).toEqual(noEntries);
      }
      expect(await store.runs.get(tenant, young.id)).toEqual(kept);
      expect(await journalOf(store, young)).toEqual(entries);
      expect(idsOf((await store.runs.list(tenant, {}, 10, null)).data)).toEqual([young.id]);
    });

    test('leaves the session of a run as it is: its items, its sums and its numbering', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const old = await ended(store);
      await fixture.ageRun(old.id, retentionMs + 1);
      const before = await sessionState(store);
      await store.retention.pruneRuns(retentionMs, 10);
      expect(await sessionState(store)).toEqual(before);
      const next = await start(store);
      expect(next.sessionSeqAtStart).toBe(1);
      await finish(store, next, { newItems: [{ n: 2 }] });
      expect(await store.sessions.history(tenant, 's-1', 10)).toEqual([{ n: 1 }, { n: 2 }]);
    });

    test('keeps runs that have not ended, however old they are', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const running = await start(store, { sessionId: null, timeoutMs: centuriesMs * 2 });
      const paused = await pause(store, await start(store, { sessionId: null }));
      const waiting = await queue(store, { sessionId: null, mode: 'background' });
      const scheduled = await queue(store, { sessionId: null, runAtMs: notYetMs });
      const all = [running, paused, waiting, scheduled];
      for (const { id } of all) await fixture.ageRun(id, retentionMs * 10);
      expect(await store.retention.pruneRuns(retentionMs, 10)).toEqual({ removed: 0, more: false });
      for (const { id } of all) expect(await store.runs.get(tenant, id)).not.toBeNull();
    });

    test('removes at most `limit` in a batch, oldest end first, and says if there may be more', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const runs = [await ended(store), await ended(store), await ended(store)] as const;
      for (const [n, { id }] of runs.entries()) await fixture.ageRun(id, retentionMs + n * dayMs + 1_000);
      expect(await store.retention.pruneRuns(retentionMs, 2)).toEqual({ removed: 2, more: true });
      expect(idsOf((await store.runs.list(tenant, {}, 10, null)).data)).toEqual([runs[0].id]);
      expect(await store.retention.pruneRuns(retentionMs, 2)).toEqual({ removed: 1, more: false });
      expect(await store.retention.pruneRuns(retentionMs, 2)).toEqual({ removed: 0, more: false });
    });

    test('removes a run of very many events whole', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const events = Array.from({ length: 7_000 }, (_, n) => newEvent(n + 2));
      const steps = Array.from({ length: 700 }, (_, n) => newStep(n + 1));
      const large = await finish(store, await start(store), { entries: { steps, events } });
      const small = await ended(store);
      for (const { id } of [large, small]) await fixture.ageRun(id, retentionMs + 1);
      expect(await toTheEnd(() => store.retention.pruneRuns(retentionMs, 10))).toMatchObject({ removed: 2 });
      for (const run of [large, small]) {
        expect(await store.runs.get(tenant, run.id)).toBeNull();
        expect(await journalOf(store, run)).toEqual(noEntries);
      }
    });

    test('a key whose run was removed names the next run that uses it', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const old = await ended(store, { idempotency });
      await fixture.ageRun(old.id, retentionMs + 1);
      await store.retention.pruneRuns(retentionMs, 10);
      expect(await store.retention.countExpired(0)).toEqual({ runs: 0, keys: 0 });
      await fixture.ageKeys(dayMs + 1);
      expect(await store.retention.countExpired(0)).toEqual({ runs: 0, keys: 0 }); // the key is gone, too
      const next = await start(store, { idempotency: { ...idempotency, fingerprint: 'f2' } });
      expect(next.id).not.toBe(old.id);
    });

    test('processes that prune at once share the runs, and each is removed once', async () => {
      await using fixture = await open();
      const stores = [fixture.store, await fixture.join()];
      const runs = await fill(fixture.store, 's-1', 60);
      for (const { id } of runs) await fixture.ageRun(id, retentionMs + 1);
      const sweeps = stores.map((store) => toTheEnd(() => store.retention.pruneRuns(retentionMs, 7)));
      const removed = (await Promise.all(sweeps)).reduce((sum, sweep) => sum + sweep.removed, 0);
      const rest = await fixture.store.retention.pruneRuns(retentionMs, 100);
      expect(removed + rest.removed).toBe(60);
      expect((await fixture.store.runs.list(tenant, {}, 10, null)).data).toEqual([]);
    });

    test('while runs are created, claimed and ended, sessions stay consistent and no live run is lost', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const other = await fixture.join();
      await fill(store, 's-old', 40);
      const lives = Array.from({ length: 40 }, async (_, n) => {
        const run = await queue(store, { sessionId: `s-${n % 5}` });
        return run.id;
      });
      const sweep = toTheEnd(() => other.retention.pruneRuns(centuriesMs, 3)); // nothing is so old
      const young = toTheEnd(() => other.retention.pruneRuns(-dayMs, 3)); // whatever has ended is
      const ids = await Promise.all(lives);
      for (let left = ids.length; left > 0; ) {
        for (const { run } of await claim(store)) {
          await finish(store, run, { newItems: [{ run: run.id }] });
          left -= 1;
        }
      }
      expect((await sweep).removed).toBe(0);
      await young;
      await toTheEnd(() => store.retention.pruneRuns(-dayMs, 100));
      expect((await store.runs.list(tenant, {}, 10, null)).data).toEqual([]);
      const sessions = (await store.sessions.list(tenant, 10, null)).data;
      expect(sessions.map(({ itemsCount }) => itemsCount).sort()).toEqual([0, 8, 8, 8, 8, 8]);
      await expectSessionsConsistent(store);
    });

    test('a request whose key finds a run that is being removed gets that run or a new one', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const other = await fixture.join();
      for (let round = 0; round < 50; round += 1) {
        const key = { ...idempotency, key: `key-${round}` };
        const old = await ended(store, { sessionId: null, idempotency: key });
        const [outcome] = await Promise.all([
          store.runs.create(newRun({ sessionId: null, idempotency: key }), 'wait', true),
          other.retention.pruneRuns(-dayMs, 10),
        ]);
        expect(['existing', 'started']).toContain(outcome.type);
        if (outcome.type === 'started') expect(outcome.run.id).not.toBe(old.id);
      }
    });
  });

  describe('pruning idempotency keys', () => {
    test('removes expired keys, at most `limit` at once, and keeps their runs', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const runs: Run[] = [];
      for (let n = 0; n < 3; n += 1)
        runs.push(await ended(store, { idempotency: { ...idempotency, key: `key-${n}` } }));
      await fixture.ageKeys(dayMs + 1);
      await ended(store, { idempotency: { ...idempotency, key: 'key-3' } });
      expect(await store.retention.countExpired(retentionMs)).toEqual({ runs: 0, keys: 3 });
      expect(await store.retention.pruneKeys(2)).toEqual({ removed: 2, more: true });
      expect(await store.retention.pruneKeys(2)).toEqual({ removed: 1, more: false });
      for (const { id } of runs) expect(await store.runs.get(tenant, id)).not.toBeNull();
      const again = await store.runs.create(newRun({ idempotency: { ...idempotency, key: 'key-3' } }), 'wait', true);
      expect(again.type).toBe('existing');
    });
  });

  describe('counting what has expired', () => {
    test('says how many runs and keys would be removed, and removes nothing', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const old = await ended(store, { idempotency });
      await ended(store);
      await start(store);
      await fixture.ageRun(old.id, retentionMs + 1);
      expect(await store.retention.countExpired(retentionMs)).toEqual({ runs: 1, keys: 0 });
      await fixture.ageKeys(dayMs + 1);
      expect(await store.retention.countExpired(retentionMs)).toEqual({ runs: 1, keys: 1 });
      expect(await store.runs.get(tenant, old.id)).not.toBeNull();
    });
  });

  describe('deleting a session that has runs', () => {
    test('removes them with their steps, events and keys, and nothing of another session or tenant', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const gone = [await ended(store, { idempotency }), await ended(store)];
      const others = [
        await ended(store, { sessionId: 's-2' }),
        await ended(store, { sessionId: null }),
        await ended(store, { tenantId: otherTenant, idempotency }),
      ];
      expect(await store.sessions.delete(tenant, 's-1')).toEqual({ type: 'deleted' });
      for (const run of gone) {
        expect(await store.runs.get(tenant, run.id)).toBeNull();
        expect(await journalOf(store, run)).toEqual(noEntries);
      }
      for (const run of others) {
        expect(await store.runs.get(run.tenantId, run.id)).toEqual(run);
        expect(await journalOf(store, run)).toEqual(entries);
      }
      expect((await store.runs.list(tenant, { sessionId: 's-1' }, 10, null)).data).toEqual([]);
      expect((await store.runs.create(newRun({ idempotency }), 'wait', true)).type).toBe('started');
    });

    test('changes none of them while it is busy', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const kept = await ended(store);
      await start(store);
      expect(await store.sessions.delete(tenant, 's-1')).toMatchObject({ type: 'busy' });
      expect(await store.runs.get(tenant, kept.id)).toEqual(kept);
      expect(await journalOf(store, kept)).toEqual(entries);
      expect(await store.retention.pruneDeleted(10)).toEqual({ removed: 0, more: false });
    });

    test('of the same name as one before keeps the runs of the new one', async () => {
      await using fixture = await open();
      const { store } = fixture;
      await fill(store, 's-1', 300);
      const deleting = store.sessions.delete(tenant, 's-1');
      while ((await store.sessions.get(tenant, 's-1')) !== null) await new Promise(setImmediate);
      const run = await ended(store); // while the old ones go
      expect(await deleting).toEqual({ type: 'deleted' });
      expect((await store.runs.list(tenant, {}, 10, null)).data).toEqual([run]);
      expect(await journalOf(store, run)).toEqual(entries);
    });

    const goOn = {
      pruning: (store: Store) => toTheEnd(() => store.retention.pruneDeleted(20)),
      'deleting it again': (store: Store) => store.sessions.delete(tenant, 's-1'),
    };
    for (const [name, finishIt] of Object.entries(goOn)) {
      test(`whose process stopped half way is continued by ${name}`, async () => {
        for (let count = 450; ; count *= 2) {
          await using fixture = await open();
          const { store } = fixture;
          await fill(store, 's-1', count);
          const deleting = store.sessions.delete(tenant, 's-1').catch((error: unknown) => error);
          while ((await store.sessions.get(tenant, 's-1')) !== null) await new Promise(setImmediate);
          const next = await fixture.reopen();
          const outcome = await deleting;
          if ((outcome as { type?: string }).type === 'deleted') continue; // it was over before it could be stopped
          expect(outcome).toMatchObject({ code: 'store_unavailable' });
          expect((await next.runs.list(tenant, {}, 1, null)).data).toHaveLength(1);
          await finishIt(next);
          expect((await next.runs.list(tenant, {}, 1, null)).data).toEqual([]);
          return;
        }
      });
    }

    test('by two processes at once is done once, and resolves for both when all is removed', async () => {
      await using fixture = await open();
      const stores = [fixture.store, await fixture.join()];
      await fill(fixture.store, 's-1', 300);
      const outcomes = await Promise.all(
        stores.map(async (store) => {
          const { type } = await store.sessions.delete(tenant, 's-1');
          return { type, left: (await store.runs.list(tenant, {}, 1, null)).data.length };
        }),
      );
      expect(outcomes.map(({ type }) => type).sort()).toEqual(['deleted', 'not_found']);
      expect(outcomes.map(({ left }) => left)).toEqual([0, 0]);
    });
  });
}
