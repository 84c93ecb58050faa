import { describe, expect, test } from 'vitest';
import type { Store } from '../port/index.ts';
import {
  claim,
  claimIds,
  claimOne,
  live,
  newEvent,
  noEntries,
  type OpenStore,
  owner,
  queue,
  tenant,
} from './fixture.contract.ts';

const open = { id: 'd-1', kind: 'open', forMs: 60_000, trips: 2 } as const;
const over = { ...open, forMs: 0 };

async function noteOf(store: Store, id: string) {
  return (await store.providers.notes()).find((note) => note.id === id);
}

/** Counts what is told about providers, and lets a test wait for the next word. */
function listenToProviders(store: Store) {
  let count = 0;
  let taken = 0;
  let tell = () => {};
  store.signals.subscribe(({ type }) => {
    if (type !== 'providers') return;
    count += 1;
    tell();
  });
  return {
    count: () => count,
    async next(): Promise<void> {
      taken += 1;
      while (count < taken)
        await new Promise<void>((resolve) => {
          tell = resolve;
        });
    },
  };
}

/** What `ProviderStore` promises, and `RunStore.handBack` to runs that wait for a provider. */
export function describeProviders(openStore: OpenStore): void {
  describe('the shared state of model providers', () => {
    test('a note is visible to all processes, with its remaining time', async () => {
      await using fixture = await openStore();
      const { store } = fixture;
      await store.providers.note(open);
      await store.providers.note({ id: 'd-2', kind: 'pause', forMs: 500, trips: 0 });
      const joined = await fixture.join();
      expect(await noteOf(joined, 'd-1')).toMatchObject({ kind: 'open', trips: 2, probeForMs: 0 });
      const { forMs = 0 } = (await noteOf(joined, 'd-1')) ?? {};
      expect(forMs > 30_000 && forMs <= 60_000).toBe(true);
      expect(await noteOf(joined, 'd-2')).toMatchObject({ kind: 'pause', trips: 0 });
    });

    test('a later note makes it longer, never shorter', async () => {
      await using fixture = await openStore();
      const { store } = fixture;
      await store.providers.note(open);
      await store.providers.note({ ...open, forMs: 10, trips: 1 });
      expect(await noteOf(store, 'd-1')).toMatchObject({ trips: 2 });
      expect((await noteOf(store, 'd-1'))?.forMs).toBeGreaterThan(30_000);
      await store.providers.note({ ...open, forMs: 600_000, trips: 3 });
      expect((await noteOf(store, 'd-1'))?.forMs).toBeGreaterThan(300_000);
    });

    test('the note of a breaker that has closed is removed', async () => {
      await using fixture = await openStore();
      const { store } = fixture;
      await store.providers.note(open);
      await store.providers.clear('d-1');
      expect(await store.providers.notes()).toEqual([]);
    });

    test('a breaker whose time is over is probed by one process at a time', async () => {
      await using fixture = await openStore();
      const { store } = fixture;
      const { providers } = await fixture.join();
      await store.providers.note(open);
      expect(await providers.claimProbe('d-1', 60_000)).toBe('taken'); // it is not over yet
      await store.providers.clear('d-1');
      expect(await providers.claimProbe('d-1', 60_000)).toBe('gone');
      await store.providers.note(over);
      const claims = await Promise.all([
        store.providers.claimProbe('d-1', 60_000),
        providers.claimProbe('d-1', 60_000),
      ]);
      expect(claims.toSorted()).toEqual(['granted', 'taken']);
      expect((await noteOf(store, 'd-1'))?.probeForMs).toBeGreaterThan(0);
      await store.providers.note(over); // it has failed, or nobody knows
      expect(await providers.claimProbe('d-1', 60_000)).toBe('granted');
    });

    test('notes and their removal are published', async () => {
      await using fixture = await openStore();
      const { store } = fixture;
      const heard = listenToProviders(store);
      await store.providers.note(open);
      await heard.next();
      await store.providers.clear('d-1');
      await heard.next();
      expect(heard.count()).toBe(2);
    });
  });

  describe('runs that are handed back with `wakeInMs`', () => {
    const wait = async (store: Store, wakeInMs: number) => {
      await live(store, owner);
      await queue(store, { mode: 'background', timeoutMs: 60_000 });
      const run = await claimOne(store);
      expect(await store.runs.handBack(tenant, run.id, run.attempt, noEntries, wakeInMs)).toBe(true);
      return run;
    };

    test('are not claimed before their time, and keep their session', async () => {
      await using fixture = await openStore();
      const { store } = fixture;
      const run = await wait(store, 3_600_000);
      const next = await queue(store);
      expect(await claimIds(store)).toEqual([]);
      expect(await store.runs.get(tenant, run.id)).toMatchObject({ status: 'queued', crashes: 0 });
      await fixture.ageRun(run.id, 3_600_001);
      expect(await claimIds(store)).toEqual([run.id]);
      expect(next.status).toBe('queued');
    });

    test('lose their time meanwhile', async () => {
      await using fixture = await openStore();
      const { store } = fixture;
      const run = await wait(store, 30_000);
      await fixture.ageRun(run.id, 40_000);
      const [claimed] = await claim(store);
      expect(claimed?.run.id).toBe(run.id);
      expect(claimed?.remainingMs).toBeLessThanOrEqual(20_000);
    });

    test('are cancelled at once when that is requested', async () => {
      await using fixture = await openStore();
      const { store } = fixture;
      const run = await wait(store, 3_600_000);
      const error = { code: 'cancelled', detail: 'x', retryable: false };
      expect(await store.runs.requestCancel(tenant, run.id, error)).toMatchObject({ status: 'cancelled' });
    });

    test('keep the entries of the handback in their journal', async () => {
      await using fixture = await openStore();
      const { store } = fixture;
      await live(store, owner);
      await queue(store, { mode: 'background' });
      const run = await claimOne(store);
      await store.runs.handBack(tenant, run.id, run.attempt, { steps: [], events: [newEvent(2)] }, 1_000);
      expect(await store.journal.events(tenant, run.id, 1, 10)).toHaveLength(1);
    });
  });
}
