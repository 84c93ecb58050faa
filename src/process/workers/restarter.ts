import type { Clock } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import { restartAfter } from './restart-policy.ts';
import type { ProcessEnd, WorkerProcess } from './worker-process.ts';

/** Dependencies of the restarter. */
export type RestarterDeps = {
  /** Starts the worker of this number; throws if the machine refuses to. */
  start(number: number): void;
  /** Once aborted, no worker is started any more. */
  stopping: AbortSignal;
  clock: Clock;
  log: Logger;
};

/** Replaces workers that ended, after the delay of the restart policy, and retries until the replacement starts. */
export function createRestarter({ start, stopping, clock, log }: RestarterDeps) {
  /** The consecutive early ends of the worker of each number. */
  const earlyEndsByNumber = new Map<number, number>();
  let count = 0;

  async function startLater(number: number, { earlyEnds, delayMs }: ReturnType<typeof restartAfter>): Promise<void> {
    earlyEndsByNumber.set(number, earlyEnds);
    await clock.sleep(delayMs, stopping).catch(() => {});
    if (stopping.aborted) return;
    try {
      start(number);
    } catch (error) {
      const next = restartAfter({ servedMs: null, graceful: false, earlyEnds });
      log.error({ err: error, delayMs: next.delayMs }, 'a worker could not be started');
      await startLater(number, next);
    }
  }

  return {
    /** Replaces a worker that ended. Resolves when the replacement is started, or at a stop. */
    async restart(worker: WorkerProcess, end: ProcessEnd): Promise<void> {
      const { number } = worker;
      count += 1;
      const earlyEnds = earlyEndsByNumber.get(number) ?? 0;
      const next = restartAfter({ servedMs: worker.servedMs(), graceful: end === 0, earlyEnds });
      const fields = { ended: number, end, reason: worker.failure(), delayMs: next.delayMs };
      log.error(fields, 'a worker ended; another takes its place');
      await startLater(number, next);
    },

    /** The workers that ended and were replaced so far. */
    count: (): number => count,
  };
}
