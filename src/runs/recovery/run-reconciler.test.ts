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

/** A process that executes nothing, and a store that says that it owns these runs. */
function createProcess(...runs: OwnedRun[]) {
  const active = createActiveRuns();
  const handedBack: string[] = [];
  const process = { runs, refuses: false };
  const store = {
    runs: {
      owned: async () => process.runs,
      handBack: async (tenantId: string, id: string, attempt: number) => {
        if (process.refuses) throw new Error('gone');
        handedBack.push(`${tenantId} ${id} ${attempt}`);
        process.runs = process.runs.filter((run) => run.id !== id);
        return true;
      },
    },
  } as unknown as Store;
  const look = createRunReconciler({ store, active, log: pino({ level: 'silent' }) });
  const execute = (id: string, attempt: number) => {
    const { promise, resolve } = Promise.withResolvers<AttemptEnd>();
    const added = active.add({ ...newRun('blocking'), id, attempt }, createLiveEventLog(), () => promise);
    const end = async () => {
      resolve({ type: 'handed_back' });
      await added.ended;
    };
    return { ...added, end };
  };
  return { process, active, handedBack, look: () => look('proc_1'), execute };
}

describe('a run that the store says is this process’s', () => {
  test('is handed back at its attempt if nobody executes it, when it is found the second time', async () => {
    const { look, handedBack } = createProcess(owned('run_1', 2));
    await look();
    expect(handedBack).toEqual([]);
    await look();
    expect(handedBack).toEqual(['tenant-a run_1 2']);
    await look();
    expect(handedBack).toHaveLength(1);
  });

  test('is left alone while it is executed, and stopped if its end was asked for', async () => {
    const { look, handedBack, execute } = createProcess(owned('run_1'), owned('run_2', 1, true));
    const [one, other] = [execute('run_1', 1), execute('run_2', 1)];
    for (let n = 0; n < 3; n += 1) await look();
    expect(handedBack).toEqual([]);
    expect([one.signal.aborted, other.signal.aborted]).toEqual([false, true]);
    expect(other.signal.reason).toMatchObject({ reason: 'cancelled' });
  });

  test('is left alone for as long as it may be on its way: a create or a claim is under way that began before', async () => {
    const { look, handedBack, active } = createProcess(owned('run_1'));
    const coming = Promise.withResolvers<void>();
    const work = active.expect(() => coming.promise);
    for (let n = 0; n < 5; n += 1) await look();
    expect(handedBack).toEqual([]);
    void active.expect(() => new Promise(() => {})); // what began later cannot bring it
    coming.resolve();
    await work;
    await look();
    expect(handedBack).toEqual(['tenant-a run_1 1']);
  });

  test('at a later attempt than the one that is executed counts as one that nobody executes', async () => {
    const { look, handedBack, execute } = createProcess(owned('run_1', 3));
    execute('run_1', 2);
    for (let n = 0; n < 2; n += 1) await look();
    expect(handedBack).toEqual(['tenant-a run_1 3']);
  });

  test('is handed back as soon as the store takes it, if that was away', async () => {
    const { look, handedBack, process } = createProcess(owned('run_1'));
    process.refuses = true;
    await look();
    for (let n = 0; n < 3; n += 1) await expect(look()).rejects.toThrow('gone');
    process.refuses = false;
    await look();
    expect(handedBack).toEqual(['tenant-a run_1 1']);
  });
});

test('an attempt that ends after the next one has begun does not take that out', async () => {
  const { active, execute } = createProcess();
  const first = execute('run_1', 1);
  const second = execute('run_1', 2);
  await first.end();
  expect(active.get('run_1')?.run.attempt).toBe(2);
  await second.end();
  expect(active.size()).toBe(0);
});
