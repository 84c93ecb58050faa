import { describe, expect, test } from 'vitest';
import type { ClaimedRun, CreateOutcome, Store } from '../port/index.ts';
import {
  approval,
  cancelled,
  cancelRequested,
  claim,
  finalRun,
  finish,
  handBack,
  interrupt,
  journalOf,
  newEvent,
  newRun,
  newStep,
  noEntries,
  type OpenStore,
  owner,
  pause,
  pausedRun,
  poison,
  queue,
  sessionState,
  start,
  tenant,
} from './fixture.contract.ts';
import { expectSessionsConsistent } from './integrity.contract.ts';

const rounds = 100;

const typesOf = (outcomes: readonly CreateOutcome[]): string[] => outcomes.map(({ type }) => type).sort();

type Race = (stores: readonly [Store, Store], sessionId: string, round: number) => Promise<void>;

/** A race between two processes, run a hundred times on one database, in a session of its own each time. */
function raceTest(open: OpenStore, name: string, race: Race): void {
  // tidy: no-assertion because each race has its own
  test(`${name}, a hundred times`, async () => {
    await using fixture = await open();
    const stores = [fixture.store, await fixture.join()] as const;
    for (let round = 0; round < rounds; round += 1) await race(stores, `s-${round}`, round);
    await expectSessionsConsistent(fixture.store);
  });
}

/** Claims until a run is claimed: a claim skips a run that a late write still has locked. */
async function claimSoon(store: Store): Promise<ClaimedRun[]> {
  for (;;) {
    const claimed = await claim(store);
    if (claimed.length > 0) return claimed;
  }
}

/** The guarantees for two processes that race. */
export function describeRaces(open: OpenStore): void {
  describe('when two processes race', () => {
    raceTest(open, 'only one of them claims a run', async (stores, sessionId, round) => {
      const run = await queue(stores[0], { sessionId: round % 2 ? sessionId : null });
      const claimed = (await Promise.all(stores.map((store, n) => claim(store, {}, `proc_${n}`)))).flat();
      expect(claimed).toMatchObject([{ run: { id: run.id, attempt: 1 } }]);
      expect(await stores[0].runs.get(tenant, run.id)).toEqual(claimed[0]?.run);
      await finish(stores[0], claimed[0]?.run ?? run);
    });

    raceTest(open, 'only one request with an idempotency key creates a run', async (stores, sessionId, round) => {
      const idempotency = { key: sessionId, fingerprint: 'f', ttlMs: 60_000 };
      const sessionOf = (n: number) => (round % 2 ? sessionId : `${sessionId}-${n}`);
      const outcomes = await Promise.all(
        stores.map((store, n) => store.runs.create(newRun({ sessionId: sessionOf(n), idempotency }), 'wait', true)),
      );
      expect(typesOf(outcomes)).toEqual(['existing', 'started']);
      const ids = outcomes.map((outcome) => ('run' in outcome ? outcome.run.id : null));
      expect(ids[0]).toBe(ids[1]);
      // The one that came second has left no trace.
      expect((await stores[0].runs.list(tenant, {}, 200, null)).data).toHaveLength(round + 1);
      expect((await stores[0].sessions.list(tenant, 200, null)).data).toHaveLength(round + 1);
    });

    raceTest(open, 'of two different requests with one idempotency key one is refused', async (stores, sessionId) => {
      const outcomes = await Promise.all(
        stores.map((store, n) =>
          store.runs.create(
            newRun({ sessionId: null, idempotency: { key: sessionId, fingerprint: `f${n}`, ttlMs: 60_000 } }),
            'wait',
            true,
          ),
        ),
      );
      expect(typesOf(outcomes)).toEqual(['key_reused', 'started']);
    });

    raceTest(open, 'only one run holds a session', async (stores, sessionId, round) => {
      const asked = stores.map((store) =>
        store.runs.create(newRun({ sessionId }), round % 2 ? 'wait' : 'reject', true),
      );
      expect(typesOf(await Promise.all(asked))).toEqual(round % 2 ? ['queued', 'started'] : ['busy', 'started']);
    });

    raceTest(
      open,
      'only one run holds a session when one process creates a run and one claims a run',
      async (stores, sessionId) => {
        const waiting = await queue(stores[0], { sessionId });
        const [outcome, claimed] = await Promise.all([
          stores[0].runs.create(newRun({ sessionId }), 'interrupt', true),
          claim(stores[1]),
        ]);
        const holders = [...claimed.map(({ run }) => run), ...(outcome.type === 'started' ? [outcome.run] : [])];
        expect(holders).toHaveLength(1);
        expect(await stores[0].sessions.get(tenant, sessionId)).toMatchObject({ activeRunId: holders[0]?.id });
        // If the waiting run was claimed first, it is asked to end; else it goes on waiting.
        const asked = await cancelRequested(stores[0], owner);
        expect(asked.includes(waiting.id)).toBe(claimed.length === 1);
        for (const holder of holders) await finish(stores[0], holder, { status: 'cancelled' });
        for (const { run } of await claim(stores[0])) await finish(stores[0], run);
      },
    );

    raceTest(open, 'only one of them claims the next run of a session that becomes free', async (stores, sessionId) => {
      const holder = await start(stores[0], { sessionId });
      const waiting = await queue(stores[0], { sessionId });
      const [, ...early] = await Promise.all([
        finish(stores[0], holder),
        ...stores.map((store) => claim(store)),
        claim(stores[0]),
      ]);
      const late = await claim(stores[1]);
      const claimed = [...early.flat(), ...late];
      expect(claimed.map(({ run }) => run.id)).toEqual([waiting.id]);
      await finish(stores[0], claimed[0]?.run ?? waiting);
    });

    raceTest(open, 'only one of two decisions on a paused run is stored', async (stores, sessionId) => {
      const paused = await pause(stores[0], await start(stores[0], { sessionId }));
      const decided = await Promise.all(
        stores.map((store, n) => {
          const entries = { steps: [newStep(1, { name: `${n}` })], events: [newEvent(2, { data: { n } })] };
          return store.runs.decide(tenant, paused.id, { expected: approval, left: null, entries });
        }),
      );
      const winner = decided.findIndex((run) => run !== null);
      expect(decided.filter((run) => run !== null)).toHaveLength(1);
      expect(await journalOf(stores[0], paused)).toEqual({
        steps: [newStep(1, { name: `${winner}` })],
        events: [newEvent(2, { data: { n: winner } })],
      });
    });

    raceTest(open, 'a decision and a cancellation of one run agree on the outcome', async (stores, sessionId) => {
      const paused = await pause(stores[0], await start(stores[0], { sessionId }));
      const [decided, ended] = await Promise.all([
        stores[0].runs.decide(tenant, paused.id, { expected: approval, left: null, entries: noEntries }),
        stores[1].runs.requestCancel(tenant, paused.id, cancelled),
      ]);
      expect(ended).toMatchObject({ status: 'cancelled' });
      expect([null, 'queued']).toContain(decided?.status ?? null);
      expect(await stores[0].runs.get(tenant, paused.id)).toEqual(ended);
      expect(await stores[0].sessions.get(tenant, sessionId)).toMatchObject({ activeRunId: null });
      expect((await journalOf(stores[0], paused)).events).toMatchObject([{ seq: 2, type: 'run.cancelled' }]);
    });

    raceTest(open, 'either the recovery of a run or a late write to it succeeds', async (stores, sessionId, round) => {
      const run = await start(stores[0], { sessionId });
      const entries = { steps: [newStep(1)], events: [newEvent(2)] };
      const writes = [
        () => stores[0].runs.finish(run, finalRun({ newItems: [{ n: 1 }], entries })),
        () => stores[0].runs.pause(tenant, run.id, 1, pausedRun({ entries })),
        () => stores[0].runs.handBack(tenant, run.id, 1, entries).then((written) => written || null),
      ] as const;
      const write = writes[round % 3] as (typeof writes)[number];
      const [written, recovered] = await Promise.all([write(), stores[1].runs.recoverOrphans(poison, 10)]);
      expect([written === null ? 0 : 1, recovered.requeued.length].sort()).toEqual([0, 1]);
      expect(await journalOf(stores[0], run)).toEqual(written === null ? noEntries : entries);
      const { session, items } = await sessionState(stores[0], tenant, sessionId);
      const finished = written !== null && round % 3 === 0;
      expect(session?.activeRunId ?? null).toBe(finished ? null : run.id);
      expect(items.data).toHaveLength(finished ? 1 : 0);
      await stores[1].runs.requestCancel(tenant, run.id, cancelled);
    });

    raceTest(open, 'an append during a takeover is recorded in full or not at all', async (stores) => {
      const run = await start(stores[0], { sessionId: null });
      const entries = { steps: [newStep(1), newStep(2)], events: [newEvent(2), newEvent(3)] };
      const [appended, claimed] = await Promise.all([
        stores[0].journal.append(tenant, run.id, 1, entries),
        stores[1].runs.recoverOrphans(poison, 10).then(() => claimSoon(stores[1])),
      ]);
      expect(claimed).toMatchObject([{ run: { id: run.id, attempt: 2 } }]);
      expect(await journalOf(stores[0], run)).toEqual(appended ? entries : noEntries);
      await finish(stores[1], claimed[0]?.run ?? run);
    });

    raceTest(
      open,
      'two runs that interrupt one session are both in its queue, and one holds it',
      async (stores, sessionId) => {
        const holder = await start(stores[0], { sessionId });
        await handBack(stores[0], holder);
        const runs = await Promise.all(stores.map((store) => interrupt(store, { sessionId })));
        expect(runs.map(({ status }) => status).sort()).toEqual(['queued', 'running']);
        expect(await stores[0].runs.get(tenant, holder.id)).toMatchObject({ status: 'cancelled' });
        const running = runs.find(({ status }) => status === 'running');
        const waiting = runs.find(({ status }) => status === 'queued');
        expect(await cancelRequested(stores[0], owner)).toEqual([running?.id]);
        await finish(stores[0], running ?? holder);
        const claimed = await claim(stores[1]);
        expect(claimed).toMatchObject([{ run: { id: waiting?.id } }]);
        await finish(stores[0], claimed[0]?.run ?? holder);
      },
    );
  });
}
