import { describe, expect, test } from 'vitest';
import type { ProcessInfo, Store } from '../port/index.ts';
import {
  finalRun,
  finish,
  newRun,
  type OpenStore,
  otherTenant,
  processLost,
  queue,
  start,
  tenant,
} from './fixture.contract.ts';

const processInfo = (id: string): ProcessInfo => ({
  id,
  host: 'host-1',
  pid: 4711,
  appVersion: '1.2.3',
  sdkVersion: '0.20.0',
});

const leaseMs = 3_600_000;

/** A lease that has run out already, so that no test has to wait for one. */
const expiredMs = -60_000;

const live = (store: Store, id: string) => store.processes.register(processInfo(id), leaseMs);
const dead = (store: Store, id: string) => store.processes.register(processInfo(id), expiredMs);

/** What `ProcessStore` and `RunStore.failOrphans` promise. */
export function describeProcesses(open: OpenStore): void {
  describe('the lease of a process', () => {
    test('a live process extends its lease', async () => {
      await using fixture = await open();
      await live(fixture.store, 'proc_1');
      expect(await fixture.store.processes.heartbeat('proc_1', leaseMs)).toBe(true);
      expect(await fixture.store.processes.heartbeat('proc_1', leaseMs)).toBe(true);
    });

    test('a heartbeat sets how long the lease lasts from now', async () => {
      await using fixture = await open();
      const { store } = fixture;
      await live(store, 'proc_1');
      const run = await start(store, { ownerId: 'proc_1' });
      expect(await store.processes.heartbeat('proc_1', expiredMs)).toBe(true);
      expect(await store.runs.failOrphans(processLost, 10)).toMatchObject([{ id: run.id }]);
    });

    test('a lease that ran out is not extended: others may have taken the process for dead', async () => {
      await using fixture = await open();
      await dead(fixture.store, 'proc_1');
      expect(await fixture.store.processes.heartbeat('proc_1', leaseMs)).toBe(false);
    });

    test('a process that was never announced, was taken out or was forgotten has no lease to extend', async () => {
      await using fixture = await open();
      const { processes } = fixture.store;
      expect(await processes.heartbeat('proc_unknown', leaseMs)).toBe(false);
      await live(fixture.store, 'proc_1');
      await processes.unregister('proc_1');
      await processes.unregister('proc_1');
      expect(await processes.heartbeat('proc_1', leaseMs)).toBe(false);
      await dead(fixture.store, 'proc_2');
      expect(await processes.forgetDead(0)).toBe(1);
      expect(await processes.heartbeat('proc_2', leaseMs)).toBe(false);
    });

    test('a process may announce itself again', async () => {
      await using fixture = await open();
      await dead(fixture.store, 'proc_1');
      await live(fixture.store, 'proc_1');
      expect(await fixture.store.processes.heartbeat('proc_1', leaseMs)).toBe(true);
    });

    test('only processes that have been dead for long and own no unfinished run are forgotten', async () => {
      await using fixture = await open();
      const { store } = fixture;
      for (const id of ['proc_1', 'proc_2']) await dead(store, id);
      await live(store, 'proc_live');
      const run = await start(store, { ownerId: 'proc_2' });
      expect(await store.processes.forgetDead(3_600_000)).toBe(0);
      expect(await store.processes.forgetDead(1_000)).toBe(1);
      expect(await store.processes.forgetDead(1_000)).toBe(0);
      await finish(store, run);
      expect(await store.processes.forgetDead(1_000)).toBe(1);
      expect(await store.processes.heartbeat('proc_live', leaseMs)).toBe(true);
    });
  });

  describe('runs of dead processes', () => {
    test('they end as failed, with the error, one crash more, and their session free', async () => {
      await using fixture = await open();
      const { store } = fixture;
      await dead(store, 'proc_dead');
      await live(store, 'proc_live');
      const run = await start(store, { ownerId: 'proc_dead' });
      const waiting = await queue(store, { ownerId: 'proc_live' });

      const failed = await store.runs.failOrphans(processLost, 10);
      const expected = { ...run, status: 'failed', error: processLost, crashes: 1, finishedAtMs: expect.any(Number) };
      expect(failed).toEqual([expected]);
      expect(await store.runs.get(tenant, run.id)).toEqual(failed[0]);
      expect(await store.sessions.get(tenant, 's-1')).toMatchObject({ activeRunId: null, itemsCount: 0 });
      expect(await store.runs.startQueued(tenant, waiting.id, 'proc_live')).toMatchObject({ status: 'running' });
      expect(await store.runs.failOrphans(processLost, 10)).toEqual([]);
    });

    test('runs of live processes are not touched', async () => {
      await using fixture = await open();
      const { store } = fixture;
      await live(store, 'proc_live');
      const running = await start(store, { ownerId: 'proc_live' });
      const waiting = await queue(store, { ownerId: 'proc_live' });
      expect(await store.runs.failOrphans(processLost, 10)).toEqual([]);
      expect(await store.runs.get(tenant, running.id)).toEqual(running);
      expect(await store.runs.get(tenant, waiting.id)).toEqual(waiting);
    });

    test('runs of a process that was taken out or never announced are orphans at once', async () => {
      await using fixture = await open();
      const { store } = fixture;
      await live(store, 'proc_1');
      const left = await start(store, { ownerId: 'proc_1' });
      await store.processes.unregister('proc_1');
      const stray = await start(store, { ownerId: 'proc_unknown', tenantId: otherTenant });
      const failed = await store.runs.failOrphans(processLost, 10);
      expect(failed.map(({ id }) => id)).toEqual([left.id, stray.id]);
    });

    test('a waiting run of a dead process leaves the line', async () => {
      await using fixture = await open();
      const { store } = fixture;
      await live(store, 'proc_live');
      const holder = await start(store, { ownerId: 'proc_live' });
      const lost = await queue(store, { ownerId: 'proc_dead' });
      const next = await queue(store, { ownerId: 'proc_live' });
      expect(await store.runs.failOrphans(processLost, 10)).toMatchObject([{ id: lost.id, attempt: 0, crashes: 1 }]);
      expect(await store.sessions.get(tenant, 's-1')).toMatchObject({ activeRunId: holder.id });
      await finish(store, holder);
      expect(await store.runs.startQueued(tenant, next.id, 'proc_live')).toMatchObject({ status: 'running' });
    });

    test('a run belongs to the process that started it, not to the one that created it', async () => {
      await using fixture = await open();
      const { store } = fixture;
      await live(store, 'proc_live');
      const holder = await start(store, { ownerId: 'proc_live' });
      const waiting = await queue(store, { ownerId: 'proc_dead' });
      await finish(store, holder);
      await store.runs.startQueued(tenant, waiting.id, 'proc_live');
      expect(await store.runs.failOrphans(processLost, 10)).toEqual([]);
    });

    test('at most so many end at once, oldest first', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const ids = ['run_c', 'run_a', 'run_b'];
      for (const id of ids) await start(store, { id, sessionId: null, ownerId: 'proc_dead' });
      const first = await store.runs.failOrphans(processLost, 2);
      const second = await store.runs.failOrphans(processLost, 2);
      expect([first, second].map((runs) => runs.map(({ id }) => id))).toEqual([['run_c', 'run_a'], ['run_b']]);
    });

    test('a run that waits for a person has no process and stays', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store, { ownerId: 'proc_dead' });
      await fixture.patchRun(run.id, { status: 'requires_action' });
      expect(await store.runs.failOrphans(processLost, 10)).toEqual([]);
      expect(await store.runs.get(tenant, run.id)).toMatchObject({ status: 'requires_action', crashes: 0 });
    });

    test('the process that was taken for dead can no longer end its run', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store, { ownerId: 'proc_dead' });
      const [failed] = await store.runs.failOrphans(processLost, 10);
      const next = await start(store, newRun());
      expect(await store.runs.finish(tenant, run.id, 1, finalRun({ newItems: [{ n: 1 }] }))).toBeNull();
      expect(await store.runs.get(tenant, run.id)).toEqual(failed);
      expect(await store.sessions.get(tenant, 's-1')).toMatchObject({ activeRunId: next.id, itemsCount: 0 });
    });
  });
}
