import { describe, expect, test } from 'vitest';
import type { Json } from '../port/index.ts';
import {
  approval,
  claimIds,
  claimOne,
  finish,
  journalOf,
  newEvent,
  newRun,
  newStep,
  noEntries,
  type OpenStore,
  otherTenant,
  pause,
  pausedRun,
  poison,
  queue,
  sessionState,
  start,
  tenant,
} from './fixture.contract.ts';
import { values } from './odd-values.contract.ts';

const entries = { steps: [newStep(1, { kind: 'approval' })], events: [newEvent(2)] };

/** The promises of `RunStore.pause` and `RunStore.decide`. */
export function describePause(open: OpenStore): void {
  describe('pausing a run', () => {
    test('a paused run shows its required action, has no owner, and keeps its session', async () => {
      await using fixture = await open();
      const run = await start(fixture.store);
      const stored = await pause(fixture.store, run, { drift: true, entries });
      const { entries: _recorded, expiresInMs: _shown, ...state } = pausedRun({ drift: true });
      expect(stored).toEqual({ ...run, ...state, status: 'requires_action', ownerId: null });
      expect(await fixture.store.runs.get(tenant, run.id)).toEqual(stored);
      expect(await journalOf(fixture.store, run)).toEqual(entries);
      expect(await fixture.store.sessions.get(tenant, 's-1')).toMatchObject({ activeRunId: run.id, itemsCount: 0 });
    });

    test('no run is queued for the session of a paused run', async () => {
      await using fixture = await open();
      const run = await start(fixture.store);
      await pause(fixture.store, run);
      expect(await fixture.store.runs.create(newRun(), 'wait', true)).toEqual({ type: 'busy', activeRunId: run.id });
    });

    test('a paused run is no orphan when its process dies', async () => {
      await using fixture = await open();
      const paused = await pause(fixture.store, await start(fixture.store));
      await fixture.store.runs.recoverOrphans(poison, 10);
      expect(await fixture.store.runs.get(tenant, paused.id)).toEqual(paused);
    });

    test('only a running run at its attempt, of its tenant, is paused; else nothing is written', async () => {
      await using fixture = await open();
      const run = await start(fixture.store);
      const waiting = await queue(fixture.store);
      const before = await sessionState(fixture.store);
      const { runs } = fixture.store;
      const paused = pausedRun({ entries });
      expect(await runs.pause(tenant, run.id, 2, paused)).toBeNull();
      expect(await runs.pause(otherTenant, run.id, 1, paused)).toBeNull();
      expect(await runs.pause(tenant, waiting.id, 0, paused)).toBeNull();
      expect(await runs.pause(tenant, 'run_unknown', 1, paused)).toBeNull();
      expect(await runs.get(tenant, run.id)).toEqual(run);
      expect(await sessionState(fixture.store)).toEqual(before);
      for (const each of [run, waiting]) expect(await journalOf(fixture.store, each)).toEqual(noEntries);
    });

    test('a journal that cannot be recorded leaves the run running', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store);
      await store.journal.append(tenant, run.id, 1, { steps: [], events: [newEvent(2, { type: 'other' })] });
      await expect(pause(store, run, { entries })).rejects.toThrow();
      expect(await store.runs.get(tenant, run.id)).toEqual(run);
      expect(await store.journal.steps(tenant, run.id)).toEqual([]);
    });
  });

  describe('a decision', () => {
    test('with nothing left to decide queues the run, with its session, and the run continues', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store);
      const paused = await pause(store, run);
      const stored = await store.runs.decide(tenant, run.id, { expected: approval, left: null, entries });
      expect(stored).toEqual({ ...paused, status: 'queued', requiredAction: null });
      expect(await store.runs.get(tenant, run.id)).toEqual(stored);
      expect(await journalOf(store, run)).toEqual(entries);
      expect(await store.sessions.get(tenant, 's-1')).toMatchObject({ activeRunId: run.id });
      const waiting = await store.runs.create(newRun({ priority: 9 }), 'wait', true);
      expect(waiting.type).toBe('queued');
      expect(await claimOne(store)).toMatchObject({ id: run.id, attempt: 2, crashes: 0, startedAtMs: run.startedAtMs });
    });

    test('with something left keeps the run waiting for that, and only for that', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const paused = await pause(store, await start(store));
      const left = { type: 'approval', items: [] };
      const stored = await store.runs.decide(tenant, paused.id, { expected: approval, left, entries });
      expect(stored).toEqual({ ...paused, requiredAction: left });
      expect(await store.runs.get(tenant, paused.id)).toEqual(stored);
      expect(await journalOf(store, paused)).toEqual(entries);
      expect(await claimIds(store)).toEqual([]);
      const decided = { expected: approval, left: null, entries: noEntries };
      expect(await store.runs.decide(tenant, paused.id, decided)).toBeNull();
      expect(await store.runs.decide(tenant, paused.id, { ...decided, expected: left })).toMatchObject({
        status: 'queued',
      });
    });

    for (const [name, value] of Object.entries({ 'odd characters': values, 'a text': 'approval', 'a number': 1.5 })) {
      test(`compares the expected action as it was stored: ${name}`, async () => {
        await using fixture = await open();
        const { store } = fixture;
        const paused = await pause(store, await start(store), { requiredAction: value as Json });
        const expected = (await store.runs.get(tenant, paused.id))?.requiredAction ?? null;
        const stored = await store.runs.decide(tenant, paused.id, { expected, left: null, entries: noEntries });
        expect(stored).toMatchObject({ status: 'queued', requiredAction: null });
      });
    }

    test('on another action, for another tenant, or on a run that does not wait writes nothing', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const paused = await pause(store, await start(store));
      const running = await start(store, { sessionId: null });
      const waiting = await queue(store, { sessionId: null });
      const ended = await finish(store, await pause(store, await start(store, { sessionId: null })));
      const decided = { expected: approval, left: null, entries };
      for (const expected of [null, { ...approval, type: 'other' }, []]) {
        expect(await store.runs.decide(tenant, paused.id, { ...decided, expected })).toBeNull();
      }
      expect(await store.runs.decide(otherTenant, paused.id, decided)).toBeNull();
      expect(await store.runs.decide(tenant, 'run_unknown', decided)).toBeNull();
      for (const { id } of [running, waiting, ended]) {
        expect(await store.runs.decide(tenant, id, decided)).toBeNull();
        expect(await store.runs.decide(tenant, id, { ...decided, expected: null })).toBeNull();
      }
      for (const run of [paused, running, waiting, ended]) {
        expect(await store.runs.get(tenant, run.id)).toEqual(run);
        expect(await journalOf(store, run)).toEqual(noEntries);
      }
    });

    test('that cannot be recorded is not stored, and the run still waits', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const paused = await pause(store, await start(store), { entries });
      const again = { expected: approval, left: null, entries: { steps: [newStep(2)], events: [newEvent(2)] } };
      await expect(store.runs.decide(tenant, paused.id, again)).rejects.toThrow();
      expect(await store.runs.get(tenant, paused.id)).toEqual(paused);
      expect(await store.journal.steps(tenant, paused.id)).toEqual(entries.steps);
    });
  });
}
