import type { Worker } from 'node:cluster';
import type { Readiness } from '../../health/index.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Service } from '../../platform/lifecycle.ts';
import type { Logger } from '../../platform/logger.ts';
import { combinedReadiness } from './combined-readiness.ts';
import { createHangMonitor } from './hang-monitor.ts';
import { createMetricsAggregator } from './metrics-aggregator.ts';
import { createWorkerGroup } from './worker-group.ts';
import { collectGauges, primaryMetrics } from './worker-metrics.ts';

/** Dependencies of the workers of a host. */
export type WorkersDeps = {
  /** The number of workers. */
  count: number;
  /** Starts the process that is to be the worker of this number, from 1 on. */
  fork(number: number): Worker;
  clock: Clock;
  log: Logger;
};

/**
 * The workers of a host: starts them, replaces those that end or hang, and answers probes and scrapes for them. The first
 * worker starts alone, so that a mistake in the settings, the program or the store is found once, and fails the start.
 * From then on, workers that end are replaced without a limit.
 */
export function createWorkers({ count, fork, clock, log }: WorkersDeps) {
  const aggregator = createMetricsAggregator();
  const group = createWorkerGroup({ fork, onEnd: (worker) => aggregator.keep(worker.totals()), clock, log });
  const hangMonitor = createHangMonitor(group.workers, clock, log);

  const service: Service = {
    name: 'workers',
    async start() {
      hangMonitor.start();
      group.start(1);
      await group.firstServing;
      for (let number = 2; number <= count && !group.isStopping(); number += 1) group.start(number);
    },
    async stop(deadline) {
      group.drain();
      deadline.addEventListener('abort', group.kill, { once: true });
      if (deadline.aborted) group.kill();
      await group.ended();
      deadline.removeEventListener('abort', group.kill);
      await hangMonitor.stop();
    },
  };

  return {
    ...service,
    /** Resolves with the facts of the first worker that serves; rejects if it ends before. */
    first: group.firstServing,
    drained: group.drained,
    kill: group.kill,

    /** The answer of `/readyz` for all workers. It waits for no worker: each heartbeat brings the readiness of one. */
    readiness(): Readiness {
      if (group.isStopping()) return { state: 'not_ready', reason: 'draining' };
      if (!group.hasServed()) return { state: 'not_ready', reason: 'starting' };
      return combinedReadiness([...group.workers.values()].map((worker) => worker.state()));
    },

    contentType: aggregator.contentType,

    /** The metrics of all workers, ended ones included, in Prometheus's text format. */
    async metrics(): Promise<string> {
      const gauges = await collectGauges([...group.workers.values()], clock);
      const totals = [...group.workers.values()].map((worker) => worker.totals());
      return aggregator.text([...totals, ...gauges, primaryMetrics(group.workers.size, group.restarts())]);
    },
  };
}

/** The workers of a host. */
export type Workers = ReturnType<typeof createWorkers>;
