import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { newRun } from '../../../tests/support/execute-run.ts';
import type { OwnedRun, Store } from '../../storage/port/index.ts';
import { type AttemptEnd, createActiveRuns } from '../active-runs.ts';
import { createLiveEventLog } from '../events/live-event-log.ts';
import { createRunReconciler } from './run-reconciler.ts';

const owned = (id: string, attempt = 1, cancelRequested = false): OwnedRun => ({
  tenantId: 'tenant-a',
  id,
  attempt,
  cancelRequested,
});

/** A process that executes nothing, and a store in which it owns these runs. */
function createProcess(...runs: OwnedRun[]) {
  const active = createActiveRuns();
  const handedBack: string[] = [];
  const process = { runs, storeFails: false };
  const store = {
    runs: {
      owned: async () => process.runs,
      handBack: async (tenantId: string, id: string, attempt: number) => {
        if (process.storeFails) throw new Error('connection lost');
        handedBack.push(`${tenantId} ${id} ${attempt}`);
        process.runs = process.runs.filter((run) => run.id !== id);
        return true;
      },
    },
  } as unknown as Store;
  const reconcile = createRunReconciler({ store, active, log: pino({ level: 'silent' }) });
  const execute = (id: string, attempt: number) => {
    const { promise, resolve } = Promise.withResolvers<AttemptEnd>();
    const added = active.add({ ...newRun('blocking'), id, attempt }, createLiveEventLog(), () => promise);
    const end = async () => {
      resolve({ type: 'handed_back' });
      await added.ended;
    };
    return { ...added, end };
  };
  return { process, active, handedBack, reconcile: () => reconcile('proc_1'), execute };
}

describe('a run that this process owns in the store', () => {
  test('is handed back at its attempt if it is not executed at two checks', async () => {
    const { reconcile, handedBack } = createProcess(owned('run_1', 2));
    await reconcile();
    expect(handedBack).toEqual([]);
    await reconcile();
    expect(handedBack).toEqual(['tenant-a run_1 2']);
    await reconcile();
    expect(handedBack).toHaveLength(1);
  });

  test('is not touched while it is executed, and is stopped if its cancellation was requested', async () => {
    const { reconcile, handedBack, execute } = createProcess(owned('run_1'), owned('run_2', 1, true));
    const [one, other] = [execute('run_1', 1), execute('run_2', 1)];
    for (let n = 0; n < 3; n += 1) await reconcile();
    expect(handedBack).toEqual([]);
    expect([one.signal.aborted, other.signal.aborted]).toEqual([false, true]);
    expect(other.signal.reason).toMatchObject({ reason: 'cancelled' });
  });

  test('is not touched while a create or a claim that may add it is in progress', async () => {
    const { reconcile, handedBack, active } = createProcess(owned('run_1'));
    const creation = Promise.withResolvers<void>();
    const work = active.expect(() => creation.promise);
    for (let n = 0; n < 5; n += 1) await reconcile();
    expect(handedBack).toEqual([]);
    void active.expect(() => new Promise(() => {})); // work that began later cannot add it
    creation.resolve();
    await work;
    await reconcile();
    expect(handedBack).toEqual(['tenant-a run_1 1']);
  });

  test('at a later attempt than the one that is executed counts as not executed', async () => {
    const { reconcile, handedBack, execute } = createProcess(owned('run_1', 3));
    execute('run_1', 2);
    for (let n = 0; n < 2; n += 1) await reconcile();
    expect(handedBack).toEqual(['tenant-a run_1 3']);
  });

  test('is handed back once the store is available again', async () => {
    const { reconcile, handedBack, process } = createProcess(owned('run_1'));
    process.storeFails = true;
    await reconcile();
    for (let n = 0; n < 3; n += 1) await expect(reconcile()).rejects.toThrow('connection lost');
    process.storeFails = false;
    await reconcile();
    expect(handedBack).toEqual(['tenant-a run_1 1']);
  });
});

test('an attempt that ends after the next one has begun does not remove that one', async () => {
  const { active, execute } = createProcess();
  const first = execute('run_1', 1);
  const second = execute('run_1', 2);
  await first.end();
  expect(active.get('run_1')?.run.attempt).toBe(2);
  await second.end();
  expect(active.size()).toBe(0);
});
