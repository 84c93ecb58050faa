import { describe, expect, test } from 'vitest';
import { claim, claimOne, dead, finish, live, type OpenStore, poison, start } from './fixture.contract.ts';

const leaseMs = 3_600_000;

/** A lease that has run out already, so that no test has to wait for one. */
const expiredMs = -60_000;

/** What `ProcessStore` promises. */
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
      expect(await store.runs.recoverOrphans(poison, 10)).toMatchObject({ requeued: [{ id: run.id }] });
    });

    test('a lease that expired is not extended: the runs of the process may have been recovered', async () => {
      await using fixture = await open();
      await dead(fixture.store, 'proc_1');
      expect(await fixture.store.processes.heartbeat('proc_1', leaseMs)).toBe(false);
    });

    test('a process that was never registered, was unregistered or was removed has no lease to extend', async () => {
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

    test('a process may register again', async () => {
      await using fixture = await open();
      await dead(fixture.store, 'proc_1');
      await live(fixture.store, 'proc_1');
      expect(await fixture.store.processes.heartbeat('proc_1', leaseMs)).toBe(true);
    });

    test('a process whose runs have all ended may be removed', async () => {
      await using fixture = await open();
      const { store } = fixture;
      await dead(store, 'proc_1');
      await start(store, { ownerId: 'proc_1' });
      await store.runs.recoverOrphans(poison, 10);
      await claim(store, {}, 'proc_2');
      expect(await store.processes.forgetDead(1_000)).toBe(1);
    });

    test('the runs of a process that was unregistered are orphans at once', async () => {
      await using fixture = await open();
      const { store } = fixture;
      await live(store, 'proc_1');
      const run = await start(store, { ownerId: 'proc_1' });
      expect(await store.runs.recoverOrphans(poison, 10)).toMatchObject({ requeued: [] });
      await store.processes.unregister('proc_1');
      expect(await store.processes.heartbeat('proc_1', leaseMs)).toBe(false);
      expect(await store.runs.recoverOrphans(poison, 10)).toMatchObject({ requeued: [{ id: run.id }] });
      expect(await claimOne(store, 'proc_2')).toMatchObject({ id: run.id, ownerId: 'proc_2' });
      await live(store, 'proc_1');
      expect(await store.processes.heartbeat('proc_1', leaseMs)).toBe(true);
    });

    test('only processes that have been dead for long and own no unfinished run are removed', async () => {
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
}
