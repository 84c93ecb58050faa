import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { endWithTests } from '../../../tests/support/child-processes.ts';
import { createFakeClock } from '../../../tests/support/fake-clock.ts';
import { workerEnvironment } from './worker-environment.ts';
import { createWorkers } from './workers.ts';

type Behaviour = 'refused' | 'serve' | 'fail' | 'die' | 'cut' | 'start';
type LogEntry = { msg: string; delayMs?: number };

const exec = fileURLToPath(new URL('../../../tests/support/apps/light-worker.ts', import.meta.url));
const deadline = () => AbortSignal.timeout(20_000);
/** Each test starts processes. */
const timeout = 120_000;

/**
 * Real worker processes, and a log to wait for. Each process behaves as the next of `behaviours` says; the last one is
 * for all that follow (`refused`: the machine does not start the process).
 */
function createTestWorkers(count: number, ...behaviours: Behaviour[]) {
  const forked: Worker[] = [];
  const served: Worker[] = [];
  const logged: LogEntry[] = [];
  let onChange = () => {};
  const recordError = ({ delayMs }: LogEntry, msg: string) => {
    logged.push({ msg, delayMs });
    onChange();
  };
  const clock = createFakeClock();
  cluster.setupPrimary({ exec, args: [], execArgv: [] });
  const fork = (number: number) => {
    const behaviour = behaviours.length > 1 ? behaviours.shift() : behaviours[0];
    if (behaviour === 'refused') throw new Error('spawn ENOMEM');
    const worker = cluster.fork({ ...workerEnvironment({ number, probeUrl: 'http://probes' }), BEHAVE: behaviour });
    endWithTests(worker.process, { group: false });
    worker.on('message', (message) => {
      if (JSON.stringify(message).includes('"serving"')) served.push(worker);
      onChange();
    });
    forked.push(worker);
    onChange();
    return worker;
  };
  const log = { error: recordError } as never;
  const workers = createWorkers({ count, fork, clock, log });

  async function until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      await new Promise<void>((resolve) => {
        onChange = resolve;
      });
    }
  }
  return {
    ...workers,
    clock,
    forked,
    logged,
    /** Waits until a condition holds; checked after each log entry, fork and message. */
    until,
    /** Waits until this number of processes has been started. */
    untilForked: (processes: number) => until(() => forked.length >= processes),
    /** Waits until this number of processes has served. */
    untilServed: (processes: number) => until(() => served.length >= processes),
    untilLogged: (entries: number) => until(() => logged.length >= entries),
    async [Symbol.asyncDispose]() {
      const ended = forked.filter((worker) => !worker.isDead()).map((worker) => once(worker, 'exit'));
      for (const worker of forked) worker.process.kill('SIGKILL');
      await workers.stop(deadline());
      await Promise.all(ended);
    },
  };
}

/** Ends a process as a crash does. */
async function crash(worker: Worker | undefined): Promise<void> {
  const exit = once(worker as Worker, 'exit');
  worker?.process.kill('SIGKILL');
  await exit;
}

describe('the start of workers', { timeout }, () => {
  test('fails with the message of the first worker, and starts no other', async () => {
    await using workers = createTestWorkers(3, 'fail');
    await expect(workers.start()).rejects.toThrow(/^the store is gone 4711$/);
    expect(workers.forked).toHaveLength(1);
    expect(workers.readiness()).toEqual({ state: 'not_ready', reason: 'starting' });
  });

  test('fails with the exit code of the first worker if that reports no message', async () => {
    await using workers = createTestWorkers(3, 'die');
    await expect(workers.start()).rejects.toThrow(/^The first worker ended with code 3 before it served\.$/);
  });

  test('is complete when the first worker serves; then the others are started', async () => {
    await using workers = createTestWorkers(2, 'serve');
    await workers.start();
    expect(workers.readiness()).toEqual({ state: 'ready' });
    const store = { place: 'the embedded store in ./data', environment: 'test' };
    expect(await workers.first).toEqual({ url: 'http://127.0.0.1:8000', hasKey: true, store });
    await workers.untilServed(2);
  });

  test('can be stopped half way: the first worker is drained, and no process is left', async () => {
    await using workers = createTestWorkers(2, 'start');
    const started = expect(workers.start()).rejects.toThrow('stopped before one served');
    await workers.untilForked(1);
    await once(workers.forked[0] as Worker, 'message');
    await workers.stop(deadline());
    await started;
    expect(workers.drained()).toBe(true);
    expect(workers.forked.map((worker) => worker.isDead())).toEqual([true]);
  });
});

describe('a worker', { timeout }, () => {
  test('that crashes is replaced; its totals are kept', async () => {
    await using workers = createTestWorkers(1, 'serve');
    await workers.start();
    expect(await workers.metrics()).toMatch(/^starts_total 1$/m);
    await crash(workers.forked[0]);
    await workers.untilLogged(1);
    expect(workers.readiness()).toEqual({ state: 'not_ready', reason: 'no worker answers' });
    await workers.clock.advance(0);
    await workers.untilServed(2);
    expect(workers.readiness()).toEqual({ state: 'ready' });
    expect(await workers.metrics()).toMatch(/^starts_total 2$/m);
    expect(await workers.metrics()).toMatch(/^agent_service_worker_ends_total 1$/m);
  });

  test('whose replacement fails to start is started again after delays that double, until it serves', async () => {
    await using workers = createTestWorkers(1, 'serve', 'fail', 'die', 'serve');
    await workers.start();
    await crash(workers.forked[0]);
    for (let ends = 1; ends <= 3; ends += 1) {
      await workers.untilLogged(ends);
      await workers.clock.advance(workers.logged[ends - 1]?.delayMs ?? 0);
    }
    await workers.untilServed(2);
    expect(workers.logged.map(({ delayMs }) => delayMs)).toEqual([0, 2_000, 4_000]);
    expect(workers.readiness()).toEqual({ state: 'ready' });
  });

  test('that the machine refuses to start is retried too', async () => {
    await using workers = createTestWorkers(1, 'serve', 'refused', 'serve');
    await workers.start();
    await crash(workers.forked[0]);
    for (let delays = 1; delays <= 2; delays += 1) {
      await workers.untilLogged(delays);
      await workers.clock.advance(workers.logged[delays - 1]?.delayMs ?? 0);
    }
    await workers.untilServed(2);
    expect(workers.logged.map(({ msg, delayMs }) => [msg, delayMs])).toEqual([
      ['a worker ended; another takes its place', 0],
      ['a worker could not be started', 2_000],
    ]);
  });

  test('that hangs is silent after 5 missed heartbeats, and is killed and replaced after 30', async () => {
    await using workers = createTestWorkers(1, 'serve');
    await workers.start();
    const [hanging] = workers.forked as [Worker];
    hanging.process.kill('SIGSTOP');
    let missed = 0;
    const miss = async () => {
      await workers.clock.advance(1_000);
      missed += 1;
    };
    // A heartbeat that was sent before the process was stopped may arrive late, and count.
    while (workers.readiness().state === 'ready') await miss();
    expect(missed).toBeGreaterThan(5);
    expect(workers.readiness()).toEqual({ state: 'not_ready', reason: 'no worker answers' });
    while (workers.logged.length === 0) await miss();
    expect(missed).toBeGreaterThanOrEqual(30);
    await workers.untilLogged(2);
    expect(workers.logged.map(({ msg }) => msg)).toEqual([
      'a worker gives no sign of life and is killed',
      'a worker ended; another takes its place',
    ]);
    await workers.clock.advance(0);
    await workers.untilServed(2);
  });

  test('that gets a signal ends alone, and is replaced at once', async () => {
    await using workers = createTestWorkers(1, 'serve');
    await workers.start();
    const exit = once(workers.forked[0] as Worker, 'exit');
    workers.forked[0]?.process.kill('SIGTERM');
    await workers.until(() => workers.clock.sleeping() === 2); // the primary waits for a signal of its own
    await workers.clock.advance(500);
    expect(await exit).toEqual([0, null]);
    await workers.untilLogged(1);
    await workers.clock.advance(0);
    await workers.untilServed(2);
    expect(workers.drained()).toBe(true);
  });
});

describe('workers that are drained', { timeout }, () => {
  test.each([
    { behaviour: 'serve', drained: true },
    { behaviour: 'cut', drained: false },
  ] as const)('are waited for; drained is $drained if they $behaviour', async ({ behaviour, drained }) => {
    await using workers = createTestWorkers(2, behaviour);
    await workers.start();
    await workers.stop(deadline());
    expect(workers.drained()).toBe(drained);
    expect(workers.readiness()).toEqual({ state: 'not_ready', reason: 'draining' });
    expect(workers.forked.every((worker) => worker.isDead())).toBe(true);
    expect(workers.logged).toEqual([]);
  });

  test('that do not end are killed at the deadline', async () => {
    await using workers = createTestWorkers(1, 'serve');
    await workers.start();
    workers.forked[0]?.process.kill('SIGSTOP');
    await workers.stop(AbortSignal.timeout(50));
    expect(workers.drained()).toBe(false);
    expect(workers.forked[0]?.process.signalCode).toBe('SIGKILL');
  });
});
