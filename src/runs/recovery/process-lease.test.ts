import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { createFakeClock } from '../../../tests/support/fake-clock.ts';
import type { OwnedRun, Run, Store } from '../../storage/port/index.ts';
import type { ActiveRuns } from '../active-runs.ts';
import { createProcessLease } from './process-lease.ts';

const leaseMs = 10_000;
const info = { host: 'here', pid: 1, appVersion: '1', sdkVersion: '2', agents: ['triage'], background: true };
const alive = () => AbortSignal.timeout(10_000);

/** The leases of processes in a store. A test sets how the store answers a heartbeat. */
function createStubStore() {
  const calls: string[] = [];
  const stub = {
    heartbeat: async (): Promise<boolean> => true,
    owned: [] as OwnedRun[],
    handedBack: [] as string[],
    register: async (): Promise<void> => {},
    orphans: [] as Pick<Run, 'id' | 'crashes'>[],
    recoverOrphans: async (): Promise<unknown> => ({ requeued: stub.orphans.splice(0), poisoned: [] }),
  };
  const store = {
    processes: {
      register: async ({ id }: { id: string }, forMs: number) => {
        calls.push(`register ${id} ${forMs}`);
        return stub.register();
      },
      heartbeat: async (id: string, forMs: number) => {
        calls.push(`heartbeat ${id} ${forMs}`);
        return stub.heartbeat();
      },
      unregister: async (id: string) => void calls.push(`unregister ${id}`),
      forgetDead: async () => void calls.push('forget'),
    },
    runs: {
      recoverOrphans: async () => {
        calls.push('recover');
        return stub.recoverOrphans();
      },
      owned: async () => stub.owned,
      handBack: async (_tenant: string, id: string, attempt: number) => {
        stub.handedBack.push(`${id} ${attempt}`);
        stub.owned = stub.owned.filter((run) => run.id !== id);
        return true;
      },
    },
    signals: { subscribe: () => () => {} },
  } as unknown as Store;
  const count = (call: string) => calls.filter((each) => each.startsWith(call)).length;
  return { store, stub, calls, count };
}

function createLease({ runsCount = 1 } = {}) {
  let ids = 0;
  const clock = createFakeClock();
  const stored = createStubStore();
  const stopped: { reason: string; atMs: number }[] = [];
  const active = {
    size: () => runsCount,
    stopAll: (reason: string) => void stopped.push({ reason, atMs: clock.monotonicMs() }),
    get: () => undefined,
    mark: () => 0,
    isPast: () => true,
  } as unknown as ActiveRuns;
  const lines: { msg: string; runId?: string }[] = [];
  const log = pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const lease = createProcessLease({
    store: stored.store,
    info,
    newId: () => `proc_${++ids}`,
    leaseMs,
    active,
    metrics: { recovered: () => {}, leaseLost: () => {} },
    clock,
    log,
  });
  return { lease, clock, stopped, messages: () => lines.map(({ msg }) => msg), lines, ...stored };
}

describe('the lease of a process', () => {
  test('is held before the start resolves, and then the runs of dead processes are recovered', async () => {
    const { lease, calls } = createLease();
    await lease.start();
    expect(calls).toEqual(['register proc_1 10000', 'recover', 'forget']);
    await lease.stop(alive());
  });

  test('is extended several times before it would end, as long as the process runs', async () => {
    const { lease, clock, count, calls, stopped } = createLease();
    await lease.start();
    await clock.advance(10 * leaseMs);
    expect(count('heartbeat proc_1 10000')).toBeGreaterThanOrEqual(30);
    expect(count('register')).toBe(1);
    expect(stopped).toEqual([]);
    await lease.stop(alive());
    expect(calls.at(-1)).toBe('unregister proc_1');
  });

  test('is released at the stop, and no heartbeat is sent after that', async () => {
    const { lease, clock, calls } = createLease();
    await lease.start();
    await lease.stop(alive());
    await lease.stop(alive());
    const before = calls.length;
    await clock.advance(10 * leaseMs);
    expect(calls.length).toBe(before);
    expect(clock.sleeping()).toBe(0);
  });

  test('the runs of processes that died are queued again with each heartbeat, and logged', async () => {
    const { lease, clock, stub, count, lines } = createLease();
    await lease.start();
    stub.orphans.push({ id: 'run_orphan', crashes: 1 });
    await clock.advance(leaseMs);
    expect(count('recover')).toBe(count('heartbeat') + 1);
    expect(lines).toMatchObject([
      { runId: 'run_orphan', crashes: 1, msg: 'the run of a dead process is queued again' },
    ]);
    await lease.stop(alive());
  });
});

describe('a process that cannot extend its lease', () => {
  test('gives its runs up before the lease ends if the store fails', async () => {
    const { lease, clock, stub, stopped, count } = createLease();
    await lease.start();
    stub.heartbeat = () => Promise.reject(new Error('connection lost'));
    await clock.advance(leaseMs);
    expect(stopped[0]).toMatchObject({ reason: 'lease_lost' });
    expect(stopped[0]?.atMs).toBeLessThan(leaseMs);
    expect(count('heartbeat')).toBeGreaterThanOrEqual(2); // one lost answer is not enough
    await lease.stop(alive());
  });

  test('gives its runs up before the lease ends if the store does not answer', async () => {
    const { lease, clock, stub, stopped } = createLease();
    await lease.start();
    const answer = Promise.withResolvers<boolean>();
    stub.heartbeat = () => answer.promise;
    await clock.advance(leaseMs);
    expect(stopped[0]).toMatchObject({ reason: 'lease_lost' });
    expect(stopped[0]?.atMs).toBeLessThan(leaseMs);
    answer.resolve(true);
    await lease.stop(alive());
  });

  test('counts its lease from when a heartbeat was sent, not from when it was answered', async () => {
    const { lease, clock, stub, stopped } = createLease();
    await lease.start();
    const answer = Promise.withResolvers<boolean>();
    const sentMs: number[] = [];
    stub.heartbeat = () => {
      sentMs.push(clock.monotonicMs());
      return sentMs.length === 1 ? answer.promise : new Promise(() => {});
    };
    await clock.advance(leaseMs / 2);
    answer.resolve(true);
    await clock.advance(leaseMs);
    expect(stopped[0]?.atMs).toBeLessThan((sentMs[0] ?? 0) + leaseMs);
    expect(stopped[0]?.atMs).toBeGreaterThan(leaseMs / 2);
    await lease.stop(AbortSignal.abort());
  });

  test('sends one heartbeat at a time: a store that does not answer is not flooded', async () => {
    const { lease, clock, stub, count } = createLease();
    await lease.start();
    stub.heartbeat = () => new Promise(() => {});
    await clock.advance(100 * leaseMs);
    expect(count('heartbeat')).toBe(1);
    await lease.stop(AbortSignal.abort());
  });

  test('keeps it if the store takes two fifths of it for each answer', async () => {
    const { lease, clock, stub, stopped } = createLease();
    await lease.start();
    // tidy: sleep because the test moves this clock
    stub.heartbeat = () => clock.sleep(0.42 * leaseMs).then(() => true);
    await clock.advance(10 * leaseMs);
    expect(stopped).toEqual([]);
    await lease.stop(AbortSignal.abort());
  });

  test('logs that only if there are runs to give up', async () => {
    const { lease, clock, stub, stopped, messages } = createLease({ runsCount: 0 });
    await lease.start();
    stub.heartbeat = () => Promise.reject(new Error('connection lost'));
    await clock.advance(2 * leaseMs);
    expect(stopped).toEqual([]);
    expect(new Set(messages())).toEqual(new Set(['the heartbeat failed']));
    await lease.stop(alive());
  });

  test('continues as before once the store is available again', async () => {
    const { lease, clock, stub, stopped } = createLease();
    await lease.start();
    stub.heartbeat = () => Promise.reject(new Error('connection lost'));
    await clock.advance(leaseMs / 4); // one heartbeat is lost
    stub.heartbeat = async () => true;
    await clock.advance(10 * leaseMs);
    expect(stopped).toEqual([]);
    await lease.stop(alive());
  });
});

describe('a process that gave its runs up', () => {
  const createLost = async () => {
    const created = createLease();
    await created.lease.start();
    created.stub.heartbeat = () => Promise.reject(new Error('connection lost'));
    await created.clock.advance(2 * leaseMs);
    return created;
  };

  test('logs it once, starts nothing, and keeps its id when its lease is extended after all', async () => {
    const { lease, clock, stub, stopped, calls, messages } = await createLost();
    expect(lease.isHeld()).toBe(false);
    stub.heartbeat = async () => true;
    await clock.advance(leaseMs);
    expect(lease.isHeld()).toBe(true);
    expect(lease.processId()).toBe('proc_1');
    expect(stopped).toHaveLength(1);
    expect(messages().filter((msg) => msg.startsWith('the lease cannot be extended'))).toHaveLength(1);
    expect(calls.some((call) => call.startsWith('unregister'))).toBe(false);
    await lease.stop(alive());
  });

  test('hands back the runs that it owns but does not execute once it reaches the store', async () => {
    const { lease, clock, stub, lines } = await createLost();
    stub.heartbeat = async () => true;
    stub.owned = [{ tenantId: 'tenant-a', id: 'run_1', attempt: 3, cancelRequested: false }];
    await clock.advance(leaseMs / 2);
    expect(stub.handedBack).toEqual(['run_1 3']);
    expect(lines).toContainEqual(expect.objectContaining({ runId: 'run_1', attempt: 3 }));
    await lease.stop(alive());
  });
});

describe('a process that the store declared dead', () => {
  test('gives its runs up and continues under a new id', async () => {
    const { lease, clock, stub, stopped, calls, messages } = createLease();
    await lease.start();
    stub.heartbeat = async () => {
      stub.heartbeat = async () => true;
      return false;
    };
    await clock.advance(leaseMs);
    expect(stopped.map(({ reason }) => reason)).toEqual(['lease_lost']);
    expect(calls.slice(3, 6)).toEqual(['heartbeat proc_1 10000', 'register proc_2 10000', 'unregister proc_1']);
    expect(lease.processId()).toBe('proc_2');
    expect(messages()).toEqual(['this process was taken for dead; its runs are given up']);
    await clock.advance(10 * leaseMs);
    expect(stopped).toHaveLength(1);
    await lease.stop(alive());
  });
});

test('a process that cannot register again retries with the same new id, and starts nothing before', async () => {
  const { lease, clock, stub, calls } = createLease();
  await lease.start();
  stub.heartbeat = async () => false;
  stub.register = () => Promise.reject(new Error('connection lost'));
  await clock.advance(leaseMs);
  expect(lease.isHeld()).toBe(false);
  expect(lease.processId()).toBe('proc_1');
  expect(new Set(calls.slice(4))).toEqual(new Set(['register proc_2 10000']));
  stub.register = async () => {};
  stub.heartbeat = async () => true;
  await clock.advance(leaseMs);
  expect(lease.isHeld()).toBe(true);
  expect(lease.processId()).toBe('proc_2');
  await lease.stop(alive());
});

test('a stop waits for the store until its deadline at most', async () => {
  const { lease, clock, stub, calls } = createLease();
  await lease.start();
  stub.heartbeat = () => new Promise(() => {});
  await clock.advance(leaseMs / 2);
  const deadline = new AbortController();
  const stopping = lease.stop(deadline.signal);
  deadline.abort();
  await stopping;
  expect(calls).not.toContain('unregister proc_1');
});
