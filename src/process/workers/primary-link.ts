import cluster, { type Worker } from 'node:cluster';
import type { Registry } from 'prom-client';
import type { Service } from '../../platform/lifecycle.ts';
import { createHeartbeat, type HeartbeatDeps } from './heartbeat.ts';
import { type Serving, type ToWorker, unpack } from './messages.ts';
import { readMetrics } from './metrics-aggregator.ts';
import { sendToPrimary } from './send-to-primary.ts';
import { readWorkerEnvironment, type WorkerIdentity } from './worker-environment.ts';

/**
 * This process's side of the channel to its primary; null unless a primary of this package started the process. From here
 * on the process ends gracefully when its primary ends, however that happens.
 */
export function joinPrimary(environment: Readonly<Record<string, string | undefined>>): PrimaryLink | null {
  const identity = readWorkerEnvironment(environment);
  // The environment alone is no proof: a process that a worker starts inherits it.
  if (identity === null || !cluster.isWorker || cluster.worker === undefined) return null;
  return createLink(cluster.worker, identity);
}

async function sendMetrics(registry: Registry): Promise<void> {
  const gauges = await readMetrics(registry, 'gauges');
  await sendToPrimary({ type: 'metrics', gauges, totals: await readMetrics(registry, 'totals') });
}

function createLink(worker: Worker, identity: WorkerIdentity) {
  const drain = Promise.withResolvers<'all' | 'alone' | 'primary gone'>();
  let endsWithAll = false;
  let onReportMetrics = () => {};

  process.on('message', (received) => {
    const message = unpack<ToWorker>(received);
    if (message?.type === 'reportMetrics') onReportMetrics();
    if (message?.type !== 'drain') return;
    endsWithAll ||= message.all;
    drain.resolve(message.all ? 'all' : 'alone');
  });
  worker.once('disconnect', () => {
    worker.exitedAfterDisconnect = true; // otherwise Node ends the process at once, in the middle of its runs
    drain.resolve('primary gone');
  });
  void sendToPrimary({ type: 'starting' });

  return {
    ...identity,
    /** Resolves when this process has to end: with all workers, alone, or because the primary has ended. */
    drain: drain.promise,
    /** Whether all workers end; otherwise others take the requests. */
    endsWithAll: (): boolean => endsWithAll,
    failed: (message: string): Promise<void> => sendToPrimary({ type: 'failed', message }),
    serving: ({ url, hasKey, store }: Serving): Promise<void> => sendToPrimary({ type: 'serving', url, hasKey, store }),
    /** Reports that this process got a signal to end; the primary decides whether all workers end. */
    signalled: (): Promise<void> => sendToPrimary({ type: 'signalled' }),

    /** Reports to the primary that this process is alive, and its metrics. */
    heartbeat(deps: HeartbeatDeps): Service {
      const heartbeat = createHeartbeat(deps);
      return {
        ...heartbeat,
        async start() {
          onReportMetrics = () => void sendMetrics(deps.registry);
          await heartbeat.start();
        },
      };
    },
  };
}

/** A worker's side of the channel to its primary. */
export type PrimaryLink = ReturnType<typeof createLink>;
