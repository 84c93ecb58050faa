import type { Worker } from 'node:cluster';
import type { Readiness } from '../../health/index.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Service } from '../../platform/lifecycle.ts';
import type { Logger } from '../../platform/logger.ts';
import { StartError } from '../../platform/start-error.ts';
import { combinedReadiness } from './combined-readiness.ts';
import type { Serving } from './messages.ts';
import { createMetricsAggregator, type Figures } from './metrics-aggregator.ts';
import { aliveMs } from './primary-link.ts';
import { replacement } from './restart-policy.ts';
import { followWorker, type ProcessEnd, type WorkerProcess } from './worker-process.ts';

/** How long the answer of a worker to a scrape is waited for, in ms; what it had told before stands in for its totals. */
const answerMs = 3_000;

/** Who signals a worker may be about to signal us too, as a terminal does: it is waited for so long, in ms. */
const groupSignalMs = 500;

/** What keeping workers takes. */
export type WorkersDeps = {
  /** How many. */
  count: number;
  /** Starts the process that is to be the worker of this number, from 1 on. */
  fork(number: number): Worker;
  clock: Clock;
  log: Logger;
};

/**
 * The workers of a host: starts them, replaces those that end or hang, and speaks for them. The first one starts alone:
 * what is wrong with the settings, the program or the store is found once, and ends the start. From then on workers that
 * end are replaced for as long as it takes.
 */
export function createWorkers({ count, fork, clock, log }: WorkersDeps) {
  const workers = new Map<number, WorkerProcess>();
  /** Ends of workers of a number, soon after their start, in a row. */
  const soonEnds = new Map<number, number>();
  const figures = createMetricsAggregator();
  const first = Promise.withResolvers<Serving>();
  first.promise.catch(() => {}); // whoever starts the workers is told
  const stopping = new AbortController();
  const watching = new AbortController();
  const underWay = new Set<Promise<void>>();
  let hasServed = false;
  let drained = true;
  let replaced = 0;
  let ticking: Promise<void> = Promise.resolve();

  function open(number: number): void {
    const worker: WorkerProcess = followWorker(
      number,
      fork(number),
      {
        onStarting: () => stopping.signal.aborted && worker.drain(true),
        onServing(serving) {
          hasServed = true;
          first.resolve(serving);
        },
        onSignalled: () =>
          void clock.sleep(groupSignalMs, stopping.signal).then(
            () => worker.drain(false),
            () => {},
          ),
      },
      clock,
    );
    workers.set(number, worker);
    const life = worker.ended.then((end) => over(worker, end)).finally(() => underWay.delete(life));
    underWay.add(life);
  }

  async function over(worker: WorkerProcess, end: ProcessEnd): Promise<void> {
    workers.delete(worker.number);
    figures.keep(worker.totals());
    if (stopping.signal.aborted) {
      drained &&= end === 0 || worker.isLoading();
      return;
    }
    if (hasServed) return replace(worker, end);
    const inWords = typeof end === 'number' ? `code ${end}` : end;
    first.reject(new StartError(worker.failure() ?? `The first worker ended with ${inWords} before it served.`));
  }

  async function replace(worker: WorkerProcess, end: ProcessEnd): Promise<void> {
    const { number } = worker;
    replaced += 1;
    const soonBefore = soonEnds.get(number) ?? 0;
    const pause = replacement({ servedMs: worker.servedMs(), graceful: end === 0, soonBefore });
    const facts = { ended: number, end, reason: worker.failure(), delayMs: pause.delayMs };
    log.error(facts, 'a worker ended; another takes its place');
    await reopen(number, pause);
  }

  async function reopen(number: number, { soon, delayMs }: ReturnType<typeof replacement>): Promise<void> {
    soonEnds.set(number, soon);
    await clock.sleep(delayMs, stopping.signal).catch(() => {});
    if (stopping.signal.aborted) return;
    try {
      open(number);
    } catch (error) {
      const pause = replacement({ servedMs: null, graceful: false, soonBefore: soon });
      log.error({ err: error, delayMs: pause.delayMs }, 'a worker could not be started');
      await reopen(number, pause);
    }
  }

  /** Signs of life are counted by our own ticks: a pause of the whole machine is held against nobody. */
  async function tick(): Promise<void> {
    while (!watching.signal.aborted) {
      await clock.sleep(aliveMs, watching.signal).catch(() => {});
      for (const worker of workers.values()) {
        if (!worker.missedOne()) continue;
        log.error({ hangs: worker.number }, 'a worker gives no sign of life and is killed');
        worker.kill();
      }
    }
  }

  /** The gauges of all that answer in time. */
  async function askAll(): Promise<Figures[]> {
    const answered = new AbortController();
    const late = clock.sleep(answerMs, answered.signal).then(
      (): Figures => [],
      (): Figures => [],
    );
    const serving = [...workers.values()].filter((worker) => worker.isServing());
    const gauges = await Promise.all(serving.map((worker) => Promise.race([worker.ask(), late])));
    answered.abort();
    return gauges;
  }

  function kill(): void {
    for (const worker of workers.values()) worker.kill();
  }

  const service: Service = {
    name: 'workers',
    async start() {
      ticking = tick();
      open(1);
      await first.promise;
      for (let number = 2; number <= count && !stopping.signal.aborted; number += 1) open(number);
    },
    async stop(deadline) {
      stopping.abort();
      first.reject(new StartError('The workers were stopped before one served.'));
      for (const worker of workers.values()) worker.drain(true);
      deadline.addEventListener('abort', kill, { once: true });
      if (deadline.aborted) kill();
      await Promise.all(underWay);
      deadline.removeEventListener('abort', kill);
      watching.abort();
      await ticking;
    },
  };

  return {
    ...service,
    /** What the first worker that served said; rejects when none came so far. */
    first: first.promise,
    /** Whether all workers that were told to end did so after their runs had ended. */
    drained: (): boolean => drained,
    /** Ends all workers at once, whatever they have in hand. */
    kill,

    /** What `/readyz` says for all. It waits for nobody: workers tell it all the time. */
    readiness(): Readiness {
      if (stopping.signal.aborted) return { state: 'not_ready', reason: 'draining' };
      if (!hasServed) return { state: 'not_ready', reason: 'starting' };
      return combinedReadiness([...workers.values()].map((worker) => worker.state()));
    },

    contentType: figures.contentType,

    /** The figures of all workers, those that are gone included, in Prometheus's text format. */
    async metrics(): Promise<string> {
      const gauges = await askAll();
      const totals = [...workers.values()].map((worker) => worker.totals());
      return figures.text([...totals, ...gauges, ownFigures(workers.size, replaced)]);
    },
  };
}

/** The workers of a host. */
export type Workers = ReturnType<typeof createWorkers>;

/** What only the primary can tell. */
const ownFigures = (live: number, replaced: number): Figures => [
  {
    name: 'agent_service_workers',
    help: 'Worker processes on this host.',
    type: 'gauge',
    aggregator: 'sum',
    values: [{ value: live, labels: {} }],
  },
  {
    name: 'agent_service_worker_ends_total',
    help: 'Worker processes that ended while the others went on, and were replaced.',
    type: 'counter',
    aggregator: 'sum',
    values: [{ value: replaced, labels: {} }],
  },
];
