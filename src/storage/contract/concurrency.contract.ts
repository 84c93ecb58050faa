import { describe, expect, test } from 'vitest';
import type { Run, Store } from '../port/index.ts';
import {
  claim,
  finalRun,
  finish,
  newRun,
  type OpenStore,
  owner,
  poison,
  queue,
  sessionState,
  start,
  tenant,
} from './fixture.contract.ts';

const present = <T>(values: readonly (T | null)[]): T[] => values.filter((value) => value !== null);

/** Lets all stores claim at once, again and again, as the line moves on; returns the runs as they started. */
async function drainLine(stores: Store[], waiting: Run[], holder: Run): Promise<Run[]> {
  const order: Run[] = [];
  let current = holder;
  while (order.length < waiting.length) {
    await finish(stores[0] as Store, current, { newItems: [{ run: current.id }] });
    const claimed = (await Promise.all(stores.map((store) => claim(store)))).flat();
    expect(claimed).toHaveLength(1);
    current = claimed[0]?.run as Run;
    order.push(current);
  }
  return order;
}

/** What the port promises when several operations meet, in one process or in two. */
export function describeConcurrency(open: OpenStore): void {
  describe('operations at the same time', () => {
    test('of fifty runs created at once in one session exactly one starts and the others form one queue', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const outcomes = await Promise.all(Array.from({ length: 50 }, () => store.runs.create(newRun(), 'wait', true)));
      const started = outcomes.flatMap((outcome) => (outcome.type === 'started' ? [outcome.run] : []));
      const waiting = outcomes.flatMap((outcome) => (outcome.type === 'queued' ? [outcome.run] : []));
      expect([started.length, waiting.length]).toEqual([1, 49]);
      expect(await store.sessions.get(tenant, 's-1')).toMatchObject({ activeRunId: started[0]?.id, runsCount: 50 });

      const order = await drainLine([store, store], waiting, started[0] as Run);
      expect(new Set(order.map(({ id }) => id))).toEqual(new Set(waiting.map(({ id }) => id)));
      expect(order.at(-1)?.sessionSeqAtStart).toBe(49);
    });

    test('two processes that create runs in one session agree which run starts', async () => {
      await using fixture = await open();
      const stores = [fixture.store, await fixture.join()];
      const created = Array.from({ length: 20 }, (_, n) =>
        (stores[n % 2] as Store).runs.create(newRun(), 'wait', true),
      );
      const outcomes = await Promise.all(created);
      const started = outcomes.flatMap((outcome) => (outcome.type === 'started' ? [outcome.run] : []));
      const waiting = outcomes.flatMap((outcome) => (outcome.type === 'queued' ? [outcome.run] : []));
      expect([started.length, waiting.length]).toEqual([1, 19]);
      await drainLine(stores, waiting, started[0] as Run);
    });

    test('a run that does not wait and competes with others is refused or starts, and is never queued', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const asked = Array.from({ length: 20 }, () => store.runs.create(newRun(), 'reject', true));
      const outcomes = await Promise.all(asked);
      const [winner] = outcomes.flatMap((outcome) => (outcome.type === 'started' ? [outcome.run] : []));
      const refused = outcomes.filter(({ type }) => type === 'busy');
      expect(refused).toHaveLength(19);
      expect(new Set(refused.map((outcome) => JSON.stringify(outcome)))).toEqual(
        new Set([JSON.stringify({ type: 'busy', activeRunId: winner?.id })]),
      );
      expect((await store.runs.list(tenant, {}, 50, null)).data).toEqual([winner]);
    });

    test('of two processes that end the same run one wins, and the session is written once', async () => {
      await using fixture = await open();
      const stores = [fixture.store, await fixture.join()];
      const run = await start(fixture.store);
      const ends = Array.from({ length: 8 }, (_, n) =>
        (stores[n % 2] as Store).runs.finish(run, finalRun({ response: `${n}`, newItems: [{ n }] })),
      );
      const [winner, ...others] = present(await Promise.all(ends));
      expect(others).toEqual([]);
      expect(await fixture.store.runs.get(tenant, run.id)).toEqual(winner);
      const { session, items } = await sessionState(fixture.store);
      expect(session).toMatchObject({ itemsCount: 1, activeRunId: null });
      expect(items.data).toMatchObject([{ seq: 1, item: { n: Number(winner?.response) } }]);
    });

    test('processes that claim from a long queue at once share it, and no run is claimed twice', async () => {
      await using fixture = await open();
      const stores = [fixture.store, await fixture.join()];
      const asked = Array.from({ length: 200 }, (_, n) => queue(fixture.store, { sessionId: n % 4 ? `s-${n}` : null }));
      const queued = await Promise.all(asked);
      const claimed: string[] = [];
      while (claimed.length < 200) {
        const tries = Array.from({ length: 8 }, (_, n) => claim(stores[n % 2] as Store, { limit: 7 }, `proc_${n}`));
        const runs = (await Promise.all(tries)).flat().map(({ run }) => run);
        expect(runs.length).toBeGreaterThan(0);
        claimed.push(...runs.map(({ id }) => id));
      }
      expect(claimed.sort()).toEqual(queued.map(({ id }) => id).sort());
      expect(await fixture.store.runs.countUnfinished()).toMatchObject({ queued: 0, running: 200 });
    });

    test('orphans that two processes find at once are recovered once', async () => {
      await using fixture = await open();
      const stores = [fixture.store, await fixture.join()] as const;
      for (let n = 0; n < 20; n += 1) await start(fixture.store, { sessionId: `s-${n}` });
      const recovered = await Promise.all(stores.map((store) => store.runs.recoverOrphans(poison, 50)));
      const runs = recovered.flatMap(({ requeued }) => requeued);
      expect(new Set(runs.map(({ id }) => id)).size).toBe(20);
      expect(runs).toHaveLength(20);
      expect(runs.every(({ crashes }) => crashes === 1)).toBe(true);
    });

    test('a session is never deleted while a run holds it', async () => {
      await using fixture = await open();
      const stores = [fixture.store, await fixture.join()] as const;
      for (let round = 0; round < 10; round += 1) {
        const sessionId = `s-${round}`;
        await finish(fixture.store, await start(fixture.store, { sessionId }), { newItems: [{ n: 1 }] });
        const [outcome, deleted] = await Promise.all([
          stores[0].runs.create(newRun({ sessionId }), 'reject', true),
          stores[1].sessions.delete(tenant, sessionId),
        ]);
        if (outcome.type !== 'started') throw new Error('nobody held the session');
        const itemsCount = deleted.type === 'deleted' ? 0 : 1;
        expect(outcome.run.sessionSeqAtStart).toBe(itemsCount);
        expect(await fixture.store.sessions.get(tenant, sessionId)).toMatchObject({
          activeRunId: outcome.run.id,
          itemsCount,
        });
      }
    });

    test('one operation that fails affects no other', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const taken = await start(store, { sessionId: null, ownerId: owner });
      const asked = Array.from({ length: 20 }, (_, n) =>
        newRun({ sessionId: `s-${n}`, ...(n % 5 === 0 ? { id: taken.id } : {}) }),
      );
      const settled = await Promise.allSettled(asked.map((run) => store.runs.create(run, 'wait', true)));
      for (const [index, { status }] of settled.entries()) {
        expect(status).toBe(index % 5 === 0 ? 'rejected' : 'fulfilled');
        const session = await store.sessions.get(tenant, `s-${index}`);
        expect(session?.activeRunId ?? null).toBe(index % 5 === 0 ? null : asked[index]?.id);
      }
    });
  });
}
