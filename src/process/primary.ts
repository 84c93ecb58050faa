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
 * The primary process of the workers of a host. It answers probes and scrapes for them on `METRICS_PORT`, and distributes
 * the connections of callers to them in round robin; it executes no runs itself.
 */
export async function createPrimary(settings: Settings, count: number, log: Logger) {
  cluster.schedulingPolicy = cluster.SCHED_RR; // the kernel would also give connections to a worker that hangs
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
    /** Resolves when the first worker serves; the other workers start afterwards. */
    async start(): Promise<Serving & { probeUrl: string }> {
      await services.start();
      return { ...(await workers.first), probeUrl: probes.url() };
    },
    /** Drains all workers. Resolves with true if every run has ended without an interruption. */
    async stop(): Promise<boolean> {
      await services.stop(AbortSignal.timeout(workersEndMs(settings)));
      return workers.drained();
    },
    kill: workers.kill,
  };
}
