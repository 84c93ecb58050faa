import type { Clock } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import { heartbeatMs } from './heartbeat.ts';
import type { WorkerProcess } from './worker-process.ts';

/**
 * Kills workers that hang. Missed heartbeats are counted by the ticks of this process, so that a pause of the whole
 * machine does not count against the workers.
 */
export function createHangMonitor(workers: ReadonlyMap<number, WorkerProcess>, clock: Clock, log: Logger) {
  const stopping = new AbortController();
  let running: Promise<void> = Promise.resolve();

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      await clock.sleep(heartbeatMs, stopping.signal).catch(() => {});
      for (const worker of workers.values()) {
        if (!worker.missHeartbeat()) continue;
        log.error({ hangs: worker.number }, 'a worker gives no sign of life and is killed');
        worker.kill();
      }
    }
  }

  return {
    start(): void {
      running = run();
    },
    async stop(): Promise<void> {
      stopping.abort();
      await running;
    },
  };
}
