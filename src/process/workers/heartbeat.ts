import type { Registry } from 'prom-client';
import type { Health } from '../../health/index.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Service } from '../../platform/lifecycle.ts';
import { readMetrics } from './metrics-aggregator.ts';
import { sendToPrimary } from './send-to-primary.ts';

/** The interval of the heartbeat, in ms. A worker that is killed loses at most what it counted in one interval. */
export const heartbeatMs = 1_000;

/** Dependencies of a worker's heartbeat. */
export type HeartbeatDeps = { health: Pick<Health, 'readiness'>; registry: Registry; clock: Clock };

/** Sends the readiness and the totals of this process to the primary at a fixed interval, and once more at its end. */
export function createHeartbeat({ health, registry, clock }: HeartbeatDeps): Service {
  const stopping = new AbortController();
  let running: Promise<void> = Promise.resolve();

  const sendHeartbeat = async () =>
    sendToPrimary({
      type: 'heartbeat',
      readiness: health.readiness(),
      totals: await readMetrics(registry, 'totals'),
    });

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      await sendHeartbeat();
      await clock.sleep(heartbeatMs, stopping.signal).catch(() => {});
    }
  }

  return {
    name: 'heartbeat',
    async start() {
      running = run();
    },
    async stop() {
      if (stopping.signal.aborted) return;
      stopping.abort();
      await running;
      await sendHeartbeat();
      process.channel?.unref(); // a program that stopped its service ends when it has nothing left to do
    },
  };
}
