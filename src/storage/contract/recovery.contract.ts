import { describe, expect, test } from 'vitest';
import type { Run, Step, Store } from '../port/index.ts';
import {
  approval,
  cancelled,
  claim,
  claimIds,
  claimOne,
  dead,
  finalRun,
  finish,
  handBack,
  journalOf,
  live,
  newEvent,
  newStep,
  noEntries,
  noUsage,
  type OpenStore,
  otherTenant,
  owner,
  pause,
  poison,
  queue,
  start,
  tenant,
} from './fixture.contract.ts';

const nobody = { requeued: [], poisoned: [], cancelled: [] };

/** The process of the run dies; returns what became of the run. */
async function crash(store: Store, run: Run): Promise<Run> {
  const { requeued, poisoned } = await store.runs.recoverOrphans(poison, 100);
  const found = [...requeued, ...poisoned].find(({ id }) => id === run.id);
  if (found === undefined) throw new Error(`run ${run.id} was not found to be an orphan`);
  return found;
}

/** A run crashes so often, and before each crash records what is given for it; returns what became of it. */
async function crashWith(store: Store, recorded: (Step[] | null)[]): Promise<Run> {
  let run = await start(store);
  for (const [index, steps] of recorded.entries()) {
    if (index > 0) run = await claimOne(store);
    if (steps !== null) await store.journal.append(tenant, run.id, run.attempt, { steps, events: [] });
    run = await crash(store, run);
  }
  return run;
}

/** What `RunStore.recoverOrphans` promises. */
export function describeRecovery(open: OpenStore): void {
  describe('runs of dead processes', () => {
    test('are queued again, with one more crash, their session and their journal', async () => {
      await using fixture = await open();
      const { store } = fixture;
      await dead(store, 'proc_dead');
      const run = await start(store, { ownerId: 'proc_dead' });
      const waiting = await queue(store);
      const entries = { steps: [newStep(1)], events: [newEvent(2)] };
      await store.journal.append(tenant, run.id, 1, entries);

      const recovered = await store.runs.recoverOrphans(poison, 10);
      const requeued = { ...run, status: 'queued', crashes: 1, ownerId: null };
      expect(recovered).toEqual({ ...nobody, requeued: [requeued] });
      expect(await store.runs.get(tenant, run.id)).toEqual(requeued);
      expect(await store.sessions.get(tenant, 's-1')).toMatchObject({ activeRunId: run.id });
      expect(await journalOf(store, run)).toEqual(entries);
      expect(await store.runs.get(tenant, waiting.id)).toEqual(waiting);
      expect(await store.runs.recoverOrphans(poison, 10)).toEqual(nobody);
    });

    test('continue when they are claimed: one more attempt, the same start and the same history', async () => {
      await using fixture = await open();
      const { store } = fixture;
      await finish(store, await start(store), { newItems: [{ n: 1 }] });
      const run = await start(store);
      await crash(store, run);
      expect(await claimOne(store, 'proc_2')).toEqual({ ...run, attempt: 2, crashes: 1, ownerId: 'proc_2' });
    });

    test('runs of live processes are not touched', async () => {
      await using fixture = await open();
      const { store } = fixture;
      await live(store, 'proc_live');
      const running = await start(store, { ownerId: 'proc_live' });
      expect(await store.runs.recoverOrphans(poison, 10)).toEqual(nobody);
      expect(await store.runs.get(tenant, running.id)).toEqual(running);
    });

    test('runs of processes that were unregistered or never registered are orphans at once', async () => {
      await using fixture = await open();
      const { store } = fixture;
      await live(store, 'proc_1');
      const left = await start(store, { ownerId: 'proc_1' });
      await store.processes.unregister('proc_1');
      const stray = await start(store, { ownerId: 'proc_unknown', tenantId: otherTenant });
      const { requeued } = await store.runs.recoverOrphans(poison, 10);
      expect(requeued.map(({ id }) => id)).toEqual([left.id, stray.id]);
    });

    test('a run belongs to the process that claimed it, not to the one that created it', async () => {
      await using fixture = await open();
      const { store } = fixture;
      await live(store, 'proc_live');
      await queue(store, { ownerId: 'proc_dead' });
      expect(await store.runs.recoverOrphans(poison, 10)).toEqual(nobody);
      await claim(store, {}, 'proc_live');
      expect(await store.runs.recoverOrphans(poison, 10)).toEqual(nobody);
    });

    test('runs that no process executes are no orphans', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const runs = [
        await queue(store, { sessionId: null, ownerId: 'proc_dead' }),
        await pause(store, await start(store, { sessionId: null, ownerId: 'proc_dead' })),
        await finish(store, await start(store, { sessionId: null, ownerId: 'proc_dead' })),
      ];
      expect(await store.runs.recoverOrphans(poison, 10)).toEqual(nobody);
      for (const run of runs) expect(await store.runs.get(tenant, run.id)).toEqual(run);
    });

    test('at most `limit` runs are recovered at once, in order of arrival', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const ids = ['run_c', 'run_a', 'run_b'];
      for (const id of ids) await start(store, { id, sessionId: null, ownerId: 'proc_dead' });
      const first = await store.runs.recoverOrphans(poison, 2);
      const second = await store.runs.recoverOrphans(poison, 2);
      expect([first, second].map(({ requeued }) => requeued.map(({ id }) => id))).toEqual([
        ['run_c', 'run_a'],
        ['run_b'],
      ]);
    });

    test('a process that was declared dead can write nothing more to its run', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store, { ownerId: 'proc_dead' });
      await crash(store, run);
      const again = await claimOne(store);
      const entries = { steps: [newStep(1)], events: [newEvent(2)] };
      expect(await store.journal.append(tenant, run.id, 1, entries)).toBe(false);
      expect(await store.runs.finish(run, finalRun({ newItems: [{ n: 1 }], entries }))).toBeNull();
      expect(await store.runs.handBack(tenant, run.id, 1, entries)).toBe(false);
      expect(await store.runs.get(tenant, run.id)).toEqual(again);
      expect(await journalOf(store, run)).toEqual(noEntries);
      expect(await store.sessions.get(tenant, 's-1')).toMatchObject({ activeRunId: run.id, itemsCount: 0 });
    });

    test('a run whose cancellation was requested is cancelled instead', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store);
      const waiting = await queue(store);
      await store.journal.append(tenant, run.id, 1, { steps: [], events: [newEvent(2), newEvent(3)] });
      await store.runs.requestCancel(tenant, run.id, cancelled);
      const recovered = await store.runs.recoverOrphans(poison, 10);
      const ended = { ...run, status: 'cancelled', crashes: 1, ownerId: null, error: cancelled };
      expect(recovered).toEqual({ ...nobody, cancelled: [{ ...ended, finishedAtMs: expect.any(Number) }] });
      expect(await store.runs.get(tenant, run.id)).toEqual(recovered.cancelled[0]);
      expect((await journalOf(store, run)).events.at(-1)).toMatchObject({ seq: 4, type: 'run.cancelled', attempt: 1 });
      expect(await claimIds(store)).toEqual([waiting.id]);
    });
  });

  describe('a poison run, which ends its processes', () => {
    test('is failed at the third crash, its session free, its last event written', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store);
      const waiting = await queue(store);
      await store.journal.append(tenant, run.id, 1, { steps: [newStep(1)], events: [newEvent(2)] });
      for (const crashes of [1, 2]) {
        expect(await crash(store, run)).toMatchObject({ status: 'queued', crashes });
        await claimOne(store);
      }
      const recovered = await store.runs.recoverOrphans(poison, 10);
      const usage = { ...noUsage, requests: 1, totalTokens: 12 }; // what the journal knows
      const known = { usage, costUsd: 0.25 };
      const failed = { ...run, ...known, status: 'failed', attempt: 3, crashes: 3, ownerId: null, error: poison };
      expect(recovered).toEqual({ ...nobody, poisoned: [{ ...failed, finishedAtMs: expect.any(Number) }] });
      expect(await store.runs.get(tenant, run.id)).toEqual(recovered.poisoned[0]);
      const { steps, events } = await journalOf(store, run);
      expect(steps).toEqual([newStep(1)]);
      expect(events).toEqual([
        newEvent(2),
        { seq: 3, type: 'run.failed', attempt: 3, atMs: expect.any(Number), data: {} },
      ]);
      expect(await store.sessions.get(tenant, 's-1')).toMatchObject({ activeRunId: null, itemsCount: 0 });
      expect(await claimIds(store)).toEqual([waiting.id]);
      expect(await store.runs.recoverOrphans(poison, 10)).toMatchObject({ poisoned: [] });
    });

    test('without recorded events ends with event number 2', async () => {
      await using fixture = await open();
      const run = await crashWith(fixture.store, [null, null, null]);
      expect(run).toMatchObject({ status: 'failed', crashes: 3 });
      expect((await journalOf(fixture.store, run)).events).toMatchObject([{ seq: 2, type: 'run.failed', data: {} }]);
    });

    test('but completes a step each time is not poison', async () => {
      await using fixture = await open();
      const steps = Array.from({ length: 6 }, (_, n) => [newStep(n + 1)]);
      expect(await crashWith(fixture.store, steps)).toMatchObject({ status: 'queued', crashes: 6 });
    });

    test('has three crashes from its last completed step on', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const twoMore = await crashWith(store, [null, null, [newStep(1)], null]);
      expect(twoMore).toMatchObject({ status: 'queued', crashes: 4 });
      await claimOne(store);
      expect(await crash(store, twoMore)).toMatchObject({ status: 'failed', crashes: 5 });
    });

    test('makes no progress by steps that only began, that failed, or that were replayed', async () => {
      await using fixture = await open();
      const run = await crashWith(fixture.store, [
        [newStep(1), newStep(2, { status: 'started' })],
        [newStep(1, { replayed: 1 }), newStep(2, { status: 'unknown' })],
        [newStep(1, { replayed: 2 }), newStep(2, { status: 'failed' }), newStep(3, { status: 'started' })],
      ]);
      expect(run).toMatchObject({ status: 'failed', crashes: 3 });
    });

    test('makes progress by a step that began before and is completed now', async () => {
      await using fixture = await open();
      const run = await crashWith(fixture.store, [
        [newStep(1, { status: 'started' })],
        null,
        [newStep(1, { status: 'completed' })],
      ]);
      expect(run).toMatchObject({ status: 'queued', crashes: 3 });
    });

    test('is not cleared by a handback or a decision: only steps count', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await crashWith(store, [null, null]);
      await handBack(store, await claimOne(store));
      await pause(store, await claimOne(store), { usage: noUsage, costUsd: null });
      await store.runs.decide(tenant, run.id, { expected: approval, left: null, entries: noEntries });
      await claimOne(store);
      expect(await crash(store, run)).toMatchObject({ status: 'failed', crashes: 3, attempt: 5 });
    });

    test('is not made one by a handback: that is no crash', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store, { ownerId: owner });
      for (let attempt = 1; attempt < 6; attempt += 1) {
        await handBack(store, { ...run, attempt });
        await claimOne(store);
      }
      expect(await crash(store, run)).toMatchObject({ status: 'queued', crashes: 1, attempt: 6 });
    });

    test('counts in its session with its recorded usage', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const usage = { ...noUsage, requests: 1, totalTokens: 12 };
      const run = await pause(store, await start(store), { usage, costUsd: 0.5, lastAgent: 'orders' });
      await store.runs.decide(tenant, run.id, { expected: approval, left: null, entries: noEntries });
      for (let n = 0; n < 3; n += 1) {
        await claimOne(store);
        await crash(store, run);
      }
      expect(await store.runs.get(tenant, run.id)).toMatchObject({ status: 'failed', usage, costUsd: 0.5 });
      expect(await store.sessions.get(tenant, 's-1')).toMatchObject({ usage, costUsd: 0.5, lastAgent: 'orders' });
    });
  });
}
