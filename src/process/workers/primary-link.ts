import cluster, { type Worker } from 'node:cluster';
import type { Registry } from 'prom-client';
import type { Health } from '../../health/index.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Service } from '../../platform/lifecycle.ts';
import { type FromWorker, pack, type Serving, type ToWorker, unpack } from './messages.ts';
import { readMetrics } from './metrics-aggregator.ts';
import { type Place, readWorkerEnvironment } from './worker-environment.ts';

/** How often a worker says that it lives, and what it has counted, in ms: one that is killed has lost no more. */
export const aliveMs = 1_000;

/** What a worker tells of itself. */
export type WorkerSources = { health: Pick<Health, 'readiness'>; registry: Registry; clock: Clock };

/** Gives a message to the channel; resolves when that is done, or cannot be done since the primary is gone. */
const tell = (message: FromWorker): Promise<void> =>
  new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve();
    else process.send(pack(message), undefined, undefined, () => resolve());
  });

/**
 * This process's side of the channel to its primary; null unless a primary of ours started it. From here on the process
 * ends gracefully when its primary is gone, however that ended.
 */
export function joinPrimary(environment: Readonly<Record<string, string | undefined>>): PrimaryLink | null {
  const place = readWorkerEnvironment(environment);
  // The environment alone says nothing: what a worker starts inherits it.
  return place === null || !cluster.isWorker || cluster.worker === undefined ? null : createLink(cluster.worker, place);
}

function createLink(worker: Worker, place: Place) {
  const drain = Promise.withResolvers<'all' | 'alone' | 'primary gone'>();
  let endsWithAll = false;
  let tellFigures = () => {};

  process.on('message', (received) => {
    const message = unpack<ToWorker>(received);
    if (message?.type === 'tellFigures') tellFigures();
    if (message?.type !== 'drain') return;
    endsWithAll ||= message.all;
    drain.resolve(message.all ? 'all' : 'alone');
  });
  worker.once('disconnect', () => {
    worker.exitedAfterDisconnect = true; // else Node ends the process at once, in the middle of its runs
    drain.resolve('primary gone');
  });
  void tell({ type: 'starting' });

  return {
    ...place,
    /** Resolves when this process is to end, with who ends: all workers, this one alone, or the primary has ended. */
    drain: drain.promise,
    /** Whether all workers end; otherwise others take the requests. */
    endsWithAll: (): boolean => endsWithAll,
    failed: (message: string): Promise<void> => tell({ type: 'failed', message }),
    serving: ({ url, hasKey }: Serving): Promise<void> => tell({ type: 'serving', url, hasKey }),
    /** This process got a signal to end: the primary says whether all end. */
    signalled: (): Promise<void> => tell({ type: 'signalled' }),

    /** Tells the primary again and again that this process lives, and at last what it has counted in all. */
    heartbeat({ health, registry, clock }: WorkerSources): Service {
      const stopping = new AbortController();
      let beating: Promise<void> = Promise.resolve();

      const beat = async () =>
        tell({ type: 'alive', readiness: health.readiness(), totals: await readMetrics(registry, 'totals') });

      async function loop(): Promise<void> {
        while (!stopping.signal.aborted) {
          await beat();
          await clock.sleep(aliveMs, stopping.signal).catch(() => {});
        }
      }

      async function answer(): Promise<void> {
        const gauges = await readMetrics(registry, 'gauges');
        await tell({ type: 'figures', gauges, totals: await readMetrics(registry, 'totals') });
      }

      return {
        name: 'heartbeat',
        async start() {
          tellFigures = answer;
          beating = loop();
        },
        async stop() {
          if (stopping.signal.aborted) return;
          stopping.abort();
          await beating;
          await beat();
          process.channel?.unref(); // a program that stopped its service ends when it has nothing left to do
        },
      };
    },
  };
}

/** A worker's side of the channel to its primary. */
export type PrimaryLink = ReturnType<typeof createLink>;
