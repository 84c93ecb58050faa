import { describe, expect, test } from 'vitest';
import type { Store } from '../port/index.ts';
import {
  cancelled,
  claim,
  finalRun,
  finish,
  newRun,
  noEntries,
  type OpenStore,
  pausedRun,
  poison,
  sessionState,
  start,
  tenant,
  unstoredRun,
} from './fixture.contract.ts';

const deadline = () => AbortSignal.timeout(10_000);

/** Every operation of the port, by name. */
const operations: Record<string, (store: Store) => Promise<unknown>> = {
  ping: (store) => store.ping(deadline()),
  'runs.create': (store) => store.runs.create(newRun(), 'wait', true),
  'runs.claim': (store) => claim(store),
  'runs.handBack': (store) => store.runs.handBack(tenant, 'run_1', 1, noEntries),
  'runs.recoverOrphans': (store) => store.runs.recoverOrphans(poison, 10),
  'runs.requestCancel': (store) => store.runs.requestCancel(tenant, 'run_1', cancelled),
  'runs.owned': (store) => store.runs.owned('proc_1'),
  'runs.pause': (store) => store.runs.pause(tenant, 'run_1', 1, pausedRun()),
  'runs.decide': (store) => store.runs.decide(tenant, 'run_1', { expected: null, left: null, entries: noEntries }),
  'runs.finish': (store) => store.runs.finish(unstoredRun('run_1'), finalRun()),
  'runs.get': (store) => store.runs.get(tenant, 'run_1'),
  'runs.list': (store) => store.runs.list(tenant, {}, 10, null),
  'runs.countUnfinished': (store) => store.runs.countUnfinished(),
  'runs.countUnclaimed': (store) => store.runs.countUnclaimed(),
  'journal.append': (store) => store.journal.append(tenant, 'run_1', 1, noEntries),
  'journal.steps': (store) => store.journal.steps(tenant, 'run_1'),
  'journal.events': (store) => store.journal.events(tenant, 'run_1', 0, 10),
  'sessions.get': (store) => store.sessions.get(tenant, 's-1'),
  'sessions.list': (store) => store.sessions.list(tenant, 10, null),
  'sessions.items': (store) => store.sessions.items(tenant, 's-1', 10, 0),
  'sessions.history': (store) => store.sessions.history(tenant, 's-1', 10),
  'sessions.delete': (store) => store.sessions.delete(tenant, 's-1'),
  'retention.pruneRuns': (store) => store.retention.pruneRuns(1000, 10),
  'retention.pruneKeys': (store) => store.retention.pruneKeys(10),
  'retention.pruneDeleted': (store) => store.retention.pruneDeleted(10),
  'retention.countExpired': (store) => store.retention.countExpired(1000),
  'keys.list': (store) => store.keys.list(tenant, 10, null),
  'keys.revoke': (store) => store.keys.revoke(tenant, 'key_1'),
  'keys.find': (store) => store.keys.find(['key_1']),
  'keys.markUsed': (store) => store.keys.markUsed(['key_1'], 1000),
  'keys.anyValid': (store) => store.keys.anyValid(),
  'webhooks.claim': (store) => store.webhooks.claim({ limit: 1, tenantMax: 1, passOver: [], leaseMs: 1000 }),
  'webhooks.list': (store) => store.webhooks.list(tenant, {}, 10, null),
  'webhooks.retry': (store) => store.webhooks.retry(tenant, 'whk_1'),
  'webhooks.count': (store) => store.webhooks.count(),
  'processes.register': (store) =>
    store.processes.register(
      { id: 'proc_1', host: 'h', pid: 1, appVersion: '1', sdkVersion: '1', agents: ['triage'], background: true },
      1000,
    ),
  'processes.heartbeat': (store) => store.processes.heartbeat('proc_1', 1000),
  'processes.unregister': (store) => store.processes.unregister('proc_1'),
  'processes.forgetDead': (store) => store.processes.forgetDead(1000),
};

/** What the port promises of a store's life. */
export function describeLifecycle(open: OpenStore): void {
  describe('the lifecycle of a store', () => {
    test('a started store answers, and starting it again changes nothing', async () => {
      await using fixture = await open();
      const run = await start(fixture.store);
      await fixture.store.start();
      await fixture.store.ping(deadline());
      expect(await fixture.store.runs.get(tenant, run.id)).toEqual(run);
    });

    test('what was acknowledged is there after a restart', async () => {
      await using fixture = await open();
      const run = await finish(fixture.store, await start(fixture.store), { newItems: [{ n: 1 }], output: { a: 1 } });
      const held = await start(fixture.store);
      const before = await sessionState(fixture.store);

      const store = await fixture.reopen();
      expect(await store.runs.get(tenant, run.id)).toEqual(run);
      expect(await sessionState(store)).toEqual(before);
      await finish(store, held, { newItems: [{ n: 2 }] });
      expect(await store.sessions.history(tenant, 's-1', 10)).toEqual([{ n: 1 }, { n: 2 }]);
    });

    test('two stores on the same data see what the other has acknowledged', async () => {
      await using fixture = await open();
      const other = await fixture.join();
      const run = await start(fixture.store);
      expect(await other.runs.get(tenant, run.id)).toEqual(run);
      await finish(other, run, { newItems: [{ n: 1 }] });
      expect(await fixture.store.sessions.history(tenant, 's-1', 10)).toEqual([{ n: 1 }]);
    });

    test('a store can be stopped twice', async () => {
      await using fixture = await open();
      await fixture.store.stop(deadline());
      expect(await fixture.store.stop(deadline())).toBeUndefined();
    });

    for (const [name, operation] of Object.entries(operations)) {
      test(`a stopped store is unavailable: ${name}`, async () => {
        await using fixture = await open();
        await fixture.store.stop(deadline());
        await expect(operation(fixture.store)).rejects.toMatchObject({
          name: 'ServiceError',
          code: 'store_unavailable',
          status: 503,
          retryable: true,
        });
      });
    }

    test('operations that run when the store is stopped are done or rejected, never lost', async () => {
      await using fixture = await open();
      const asked = Array.from({ length: 20 }, () => newRun({ sessionId: null }));
      const created = asked.map((run) => fixture.store.runs.create(run, 'wait', true));
      const [settled] = await Promise.all([Promise.allSettled(created), fixture.store.stop(deadline())]);
      const store = await fixture.reopen();
      for (const [index, { status }] of settled.entries()) {
        const found = await store.runs.get(tenant, asked[index]?.id ?? '');
        if (status === 'fulfilled') expect(found).not.toBeNull();
      }
    });
  });
}
