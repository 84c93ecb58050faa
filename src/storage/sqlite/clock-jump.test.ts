import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { claim, newRun, poison, processInfo, queue, start, tenant } from '../contract/fixture.contract.ts';
import { createSqliteStore } from './index.ts';

const hourMs = 3_600_000;
const leaseMs = 10_000;
const jumps = { forward: hourMs, back: -hourMs };

/** The clocks of a machine whose time of day can be set, and on which time goes by when the test says so. */
function createMachine() {
  let dayMs = Date.UTC(2026, 0, 1, 12);
  let upMs = 5_000;
  return {
    clock: { nowMs: () => dayMs, monotonicMs: () => upMs },
    setClock(byMs: number) {
      dayMs += byMs;
    },
    pass(byMs: number) {
      dayMs += byMs;
      upMs += byMs;
    },
  };
}

async function openStore() {
  const dataDir = mkdtempSync(join(tmpdir(), 'agent-service-sqlite-'));
  const machine = createMachine();
  const open = () => createSqliteStore({ dataDir, sync: 'normal', executes: true, clock: machine.clock });
  let store = open();
  await store.start();
  const stop = () => store.stop(AbortSignal.timeout(10_000));
  return {
    machine,
    store,
    /** A process of its own after this one, which never said goodbye. */
    async restart() {
      await stop();
      store = open();
      await store.start();
      return store;
    },
    async [Symbol.asyncDispose]() {
      await stop();
      rmSync(dataDir, { recursive: true });
    },
  };
}

for (const [way, byMs] of Object.entries(jumps)) {
  describe(`when the machine's clock is set an hour ${way}`, () => {
    test('a live process keeps its lease and its runs', async () => {
      await using opened = await openStore();
      const { store, machine } = opened;
      await store.processes.register(processInfo('proc_1'), leaseMs);
      const run = await start(store, { ownerId: 'proc_1' });
      machine.setClock(byMs);
      expect((await store.runs.recoverOrphans(poison, 10)).requeued).toEqual([]);
      expect(await store.processes.forgetDead(0)).toBe(0);
      expect(await store.processes.heartbeat('proc_1', leaseMs)).toBe(true);
      machine.setClock(-byMs);
      expect((await store.runs.recoverOrphans(poison, 10)).requeued).toEqual([]);
      expect(await store.processes.heartbeat('proc_1', leaseMs)).toBe(true);
      expect(await store.runs.get(tenant, run.id)).toEqual(run);
    });

    test('a lease lasts exactly as long as it would have', async () => {
      await using opened = await openStore();
      const { store, machine } = opened;
      await store.processes.register(processInfo('proc_1'), leaseMs);
      const run = await start(store, { ownerId: 'proc_1' });
      machine.setClock(byMs);
      machine.pass(leaseMs - 1);
      expect((await store.runs.recoverOrphans(poison, 10)).requeued).toEqual([]);
      machine.pass(1);
      expect(await store.processes.heartbeat('proc_1', leaseMs)).toBe(false);
      expect(await store.runs.recoverOrphans(poison, 10)).toMatchObject({ requeued: [{ id: run.id }] });
    });

    test('a run has as much time left as it would have', async () => {
      await using opened = await openStore();
      const { store, machine } = opened;
      const run = await start(store, { timeoutMs: 30_000 });
      machine.pass(4_000);
      machine.setClock(byMs);
      machine.pass(1_000);
      await store.runs.handBack(tenant, run.id, 1, { steps: [], events: [] });
      machine.setClock(-byMs);
      machine.pass(50_000);
      expect(await claim(store)).toMatchObject([{ remainingMs: 25_000 }]);
    });

    test('what happens from then on is shown at the new time, and runs are due by it', async () => {
      await using opened = await openStore();
      const { store, machine } = opened;
      const before = machine.clock.nowMs();
      const scheduled = await queue(store, { mode: 'background', runAtMs: before + 30 * 60_000 });
      machine.setClock(byMs);
      const run = await start(store, { sessionId: 's-2' });
      expect(run).toMatchObject({ createdAtMs: before + byMs, startedAtMs: before + byMs });
      const claimed = (await claim(store)).map((each) => each.run.id);
      expect(claimed).toEqual(byMs > 0 ? [scheduled.id] : []);
    });

    test('while the service is down, the processes that were killed are dead when it starts again', async () => {
      await using opened = await openStore();
      await opened.store.processes.register(processInfo('proc_1'), leaseMs);
      const run = await start(opened.store, { ownerId: 'proc_1', timeoutMs: 30_000 });
      opened.machine.pass(1_000);
      opened.machine.setClock(byMs);
      const store = await opened.restart();
      expect(await store.processes.heartbeat('proc_1', leaseMs)).toBe(false);
      expect(await store.runs.recoverOrphans(poison, 10)).toMatchObject({ requeued: [{ id: run.id }] });
      const [claimed] = await claim(store);
      expect(claimed?.run.id).toBe(run.id);
      expect(claimed?.remainingMs).toBeLessThanOrEqual(30_000);
      expect(claimed?.remainingMs).toBeGreaterThan(0);
    });
  });
}

test('a service that was killed and comes back later gives its runs the time they had when they were lost', async () => {
  await using opened = await openStore();
  const { machine } = opened;
  await opened.store.processes.register(processInfo('proc_1'), leaseMs);
  await start(opened.store, { ownerId: 'proc_1', timeoutMs: 30_000 });
  machine.pass(2_000);
  await opened.store.processes.heartbeat('proc_1', leaseMs);
  machine.pass(hourMs);
  const store = await opened.restart();
  await store.runs.recoverOrphans(poison, 10);
  machine.pass(hourMs);
  // Its process was last known to live 12 s after the start: 2 s, and a lease.
  expect(await claim(store)).toMatchObject([{ remainingMs: 18_000 }]);
});

test('an idempotency key lasts as long as was asked', async () => {
  await using opened = await openStore();
  const { store, machine } = opened;
  const idempotency = { key: 'key-1', fingerprint: 'f', ttlMs: 1_000 };
  const create = async () => (await store.runs.create(newRun({ sessionId: null, idempotency }), 'wait', true)).type;
  expect(await create()).toBe('started');
  machine.pass(999);
  expect(await create()).toBe('existing');
  machine.pass(1);
  expect(await create()).toBe('started');
});
