import cluster from 'node:cluster';
import { systemClock } from '../platform/clock.ts';
import { createListener } from '../platform/http/listener.ts';
import { supervise } from '../platform/lifecycle.ts';
import type { Logger } from '../platform/logger.ts';
import type { Settings } from '../platform/settings/settings.ts';
import { buildProbeServer } from '../server.ts';
import { workersEndMs } from './exit.ts';
import { createWorkers, type Serving, workerEnvironment } from './workers/index.ts';

/**
 * The process that keeps the workers of a host. It answers probes and scrapes for them on `METRICS_PORT`, and hands them
 * the connections of callers in turn; it executes nothing itself.
 */
export async function createPrimary(settings: Settings, count: number, log: Logger) {
  cluster.schedulingPolicy = cluster.SCHED_RR; // left to itself, the kernel gives connections to one that hangs, too
  const workers = createWorkers({
    count,
    fork: (number) => cluster.fork(workerEnvironment({ number, probeUrl: probes.url() })),
    clock: systemClock,
    log,
  });
  const probes = createListener({
    name: 'probe server',
    app: await buildProbeServer(workers, workers, log),
    host: settings.host,
    port: settings.metricsPort,
    setting: 'METRICS_PORT',
    orNextFree: settings.appEnv === 'development',
  });
  const services = supervise('primary', [probes, workers]);

  return {
    /** Resolves when the first worker serves; the others follow. */
    async start(): Promise<Serving & { probeUrl: string }> {
      await services.start();
      return { ...(await workers.first), probeUrl: probes.url() };
    },
    /** Drains all workers. True if every run ended by itself. */
    async stop(): Promise<boolean> {
      await services.stop(AbortSignal.timeout(workersEndMs(settings)));
      return workers.drained();
    },
    kill: workers.kill,
  };
}
