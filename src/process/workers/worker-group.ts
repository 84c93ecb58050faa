import type { Worker } from 'node:cluster';
import type { Clock } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import { StartError } from '../../platform/start-error.ts';
import type { Serving } from './messages.ts';
import { createRestarter } from './restarter.ts';
import { type ProcessEnd, WorkerProcess } from './worker-process.ts';

/** A signal to a worker may go to the primary too, as from a terminal: it is waited for this long, in ms. */
const groupSignalMs = 500;

/** Dependencies of the worker group. */
export type WorkerGroupDeps = {
  /** Starts the process that is to be the worker of this number, from 1 on. */
  fork(number: number): Worker;
  /** Called when a worker has ended. */
  onEnd(worker: WorkerProcess): void;
  clock: Clock;
  log: Logger;
};

/**
 * The worker processes of a host. Starts them by number, and replaces those that end. Before the first worker serves, the
 * end of a worker fails `firstServing` instead.
 */
export function createWorkerGroup({ fork, onEnd, clock, log }: WorkerGroupDeps) {
  const workers = new Map<number, WorkerProcess>();
  const firstServing = Promise.withResolvers<Serving>();
  firstServing.promise.catch(() => {}); // the caller that starts the workers gets the error
  const stopping = new AbortController();
  /** One promise a worker: settled once its end, and the start of its replacement, are complete. */
  const lifetimes = new Set<Promise<void>>();
  const restarter = createRestarter({ start, stopping: stopping.signal, clock, log });
  let hasServed = false;
  let drained = true;

  function start(number: number): void {
    const listener = {
      onStarting: () => stopping.signal.aborted && worker.drain(true),
      onServing(serving: Serving) {
        hasServed = true;
        firstServing.resolve(serving);
      },
      onSignalled: () => drainLater(worker, clock, stopping.signal),
    };
    const worker: WorkerProcess = new WorkerProcess(number, fork(number), listener, clock);
    workers.set(number, worker);
    const lifetime = worker.ended.then((end) => handleEnd(worker, end)).finally(() => lifetimes.delete(lifetime));
    lifetimes.add(lifetime);
  }

  async function handleEnd(worker: WorkerProcess, end: ProcessEnd): Promise<void> {
    workers.delete(worker.number);
    onEnd(worker);
    if (stopping.signal.aborted) drained &&= end === 0 || worker.isLoading();
    else if (hasServed) await restarter.restart(worker, end);
    else firstServing.reject(new StartError(worker.failure() ?? endBeforeServing(end)));
  }

  return {
    workers: workers as ReadonlyMap<number, WorkerProcess>,
    start,
    /** Resolves when the first worker serves; rejects if it ends before. */
    firstServing: firstServing.promise,
    hasServed: (): boolean => hasServed,
    isStopping: (): boolean => stopping.signal.aborted,
    /** Whether all workers that were drained ended after their runs had ended. */
    drained: (): boolean => drained,
    restarts: restarter.count,

    /** Replaces no worker any more, and drains all. */
    drain(): void {
      stopping.abort();
      firstServing.reject(new StartError('The workers were stopped before one served.'));
      for (const worker of workers.values()) worker.drain(true);
    },
    /** Ends all workers at once, in the middle of their work. */
    kill(): void {
      for (const worker of workers.values()) worker.kill();
    },
    /** Resolves when all workers have ended. */
    ended: (): Promise<unknown> => Promise.all(lifetimes),
  };
}

/** Drains a worker that got a signal, unless the primary gets the same signal and drains all workers. */
function drainLater(worker: WorkerProcess, clock: Clock, stopping: AbortSignal): void {
  clock.sleep(groupSignalMs, stopping).then(
    () => worker.drain(false),
    () => {},
  );
}

function endBeforeServing(end: ProcessEnd): string {
  return `The first worker ended with ${typeof end === 'number' ? `code ${end}` : end} before it served.`;
}
