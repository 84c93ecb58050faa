import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { endWithTests } from '../../../tests/support/child-processes.ts';
import { createFakeClock } from '../../../tests/support/fake-clock.ts';
import { workerEnvironment } from './worker-environment.ts';
import { createWorkers } from './workers.ts';

type Behaviour = 'refused' | 'serve' | 'fail' | 'die' | 'cut' | 'start';
type Said = { msg: string; delayMs?: number };

const exec = fileURLToPath(new URL('../../../tests/support/apps/light-worker.ts', import.meta.url));
const deadline = () => AbortSignal.timeout(20_000);
/** Each test starts processes. */
const timeout = 120_000;

/**
 * Real worker processes, which behave like this one after the other, the last as all that follow (`refused`: the machine
 * does not start them); and a log to wait for.
 */
function keep(count: number, ...behaviours: Behaviour[]) {
  const forked: Worker[] = [];
  const served: Worker[] = [];
  const said: Said[] = [];
  let heard = () => {};
  const say = ({ delayMs }: Said, msg: string) => {
    said.push({ msg, delayMs });
    heard();
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
      heard();
    });
    forked.push(worker);
    heard();
    return worker;
  };
  const log = { error: say } as never;
  const workers = createWorkers({ count, fork, clock, log });

  async function until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      await new Promise<void>((resolve) => {
        heard = resolve;
      });
    }
  }
  return {
    ...workers,
    clock,
    forked,
    said,
    /** Waits until something holds; looked at whenever something was said, forked or heard. */
    until,
    /** Waits until so many processes have been started. */
    untilForked: (many: number) => until(() => forked.length >= many),
    /** Waits until so many of them have served. */
    untilServed: (many: number) => until(() => served.length >= many),
    untilSaid: (many: number) => until(() => said.length >= many),
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
  test('ends with what the first one says when that fails, and no other is started', async () => {
    await using workers = keep(3, 'fail');
    await expect(workers.start()).rejects.toThrow(/^the store is gone 4711$/);
    expect(workers.forked).toHaveLength(1);
    expect(workers.readiness()).toEqual({ state: 'not_ready', reason: 'starting' });
  });

  test('ends with the exit code of the first one when that says nothing', async () => {
    await using workers = keep(3, 'die');
    await expect(workers.start()).rejects.toThrow(/^The first worker ended with code 3 before it served\.$/);
  });

  test('is over when the first one serves; then the others are started', async () => {
    await using workers = keep(2, 'serve');
    await workers.start();
    expect(workers.readiness()).toEqual({ state: 'ready' });
    expect(await workers.first).toEqual({ url: 'http://127.0.0.1:8000', hasKey: true });
    await workers.untilServed(2);
  });

  test('can be undone half way: the first one is told to end, and nothing is left', async () => {
    await using workers = keep(2, 'start');
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
  test('that crashes is replaced; what it had counted is kept', async () => {
    await using workers = keep(1, 'serve');
    await workers.start();
    expect(await workers.metrics()).toMatch(/^starts_total 1$/m);
    await crash(workers.forked[0]);
    await workers.untilSaid(1);
    expect(workers.readiness()).toEqual({ state: 'not_ready', reason: 'no worker answers' });
    await workers.clock.advance(0);
    await workers.untilServed(2);
    expect(workers.readiness()).toEqual({ state: 'ready' });
    expect(await workers.metrics()).toMatch(/^starts_total 2$/m);
    expect(await workers.metrics()).toMatch(/^agent_service_worker_ends_total 1$/m);
  });

  test('that cannot start again is tried after pauses that double, until it can', async () => {
    await using workers = keep(1, 'serve', 'fail', 'die', 'serve');
    await workers.start();
    await crash(workers.forked[0]);
    for (let ends = 1; ends <= 3; ends += 1) {
      await workers.untilSaid(ends);
      await workers.clock.advance(workers.said[ends - 1]?.delayMs ?? 0);
    }
    await workers.untilServed(2);
    expect(workers.said.map(({ delayMs }) => delayMs)).toEqual([0, 2_000, 4_000]);
    expect(workers.readiness()).toEqual({ state: 'ready' });
  });

  test('that the machine refuses to start is tried again, too', async () => {
    await using workers = keep(1, 'serve', 'refused', 'serve');
    await workers.start();
    await crash(workers.forked[0]);
    for (let pauses = 1; pauses <= 2; pauses += 1) {
      await workers.untilSaid(pauses);
      await workers.clock.advance(workers.said[pauses - 1]?.delayMs ?? 0);
    }
    await workers.untilServed(2);
    expect(workers.said.map(({ msg, delayMs }) => [msg, delayMs])).toEqual([
      ['a worker ended; another takes its place', 0],
      ['a worker could not be started', 2_000],
    ]);
  });

  test('that hangs is not counted on after 5 signs of life that are missed, and killed and replaced after 30', async () => {
    await using workers = keep(1, 'serve');
    await workers.start();
    const [hanging] = workers.forked as [Worker];
    hanging.process.kill('SIGSTOP');
    let missed = 0;
    const miss = async () => {
      await workers.clock.advance(1_000);
      missed += 1;
    };
    // A sign of life that was sent before the process was stopped may arrive late, and count.
    while (workers.readiness().state === 'ready') await miss();
    expect(missed).toBeGreaterThan(5);
    expect(workers.readiness()).toEqual({ state: 'not_ready', reason: 'no worker answers' });
    while (workers.said.length === 0) await miss();
    expect(missed).toBeGreaterThanOrEqual(30);
    await workers.untilSaid(2);
    expect(workers.said.map(({ msg }) => msg)).toEqual([
      'a worker gives no sign of life and is killed',
      'a worker ended; another takes its place',
    ]);
    await workers.clock.advance(0);
    await workers.untilServed(2);
  });

  test('that somebody signals ends while others go on, and is replaced at once', async () => {
    await using workers = keep(1, 'serve');
    await workers.start();
    const exit = once(workers.forked[0] as Worker, 'exit');
    workers.forked[0]?.process.kill('SIGTERM');
    await workers.until(() => workers.clock.sleeping() === 2); // the primary waits whether it is signalled, too
    await workers.clock.advance(500);
    expect(await exit).toEqual([0, null]);
    await workers.untilSaid(1);
    await workers.clock.advance(0);
    await workers.untilServed(2);
    expect(workers.drained()).toBe(true);
  });
});

describe('workers that are told to end', { timeout }, () => {
  test.each([
    { behaviour: 'serve', drained: true },
    { behaviour: 'cut', drained: false },
  ] as const)(
    'are waited for; that all runs ended is $drained when they $behaviour',
    async ({ behaviour, drained }) => {
      await using workers = keep(2, behaviour);
      await workers.start();
      await workers.stop(deadline());
      expect(workers.drained()).toBe(drained);
      expect(workers.readiness()).toEqual({ state: 'not_ready', reason: 'draining' });
      expect(workers.forked.every((worker) => worker.isDead())).toBe(true);
      expect(workers.said).toEqual([]);
    },
  );

  test('and do not are killed at the deadline', async () => {
    await using workers = keep(1, 'serve');
    await workers.start();
    workers.forked[0]?.process.kill('SIGSTOP');
    await workers.stop(AbortSignal.timeout(50));
    expect(workers.drained()).toBe(false);
    expect(workers.forked[0]?.process.signalCode).toBe('SIGKILL');
  });
});
