import type { Clock } from './clock.ts';
import type { Service } from './lifecycle.ts';

/** What a polling service does. */
export type PollingOptions = {
  name: string;
  /** The pause between two polls, in ms. */
  everyMs: number;
  /** One poll; `stopping` aborts when the service stops, which waits for the poll in progress. */
  poll(stopping: AbortSignal): Promise<void>;
  /** Called with the error of a poll that failed; the next one follows all the same. */
  failed(error: unknown): void;
  clock: Pick<Clock, 'sleep'>;
};

/** A service that polls from its start, one poll at a time, until it stops. */
export function createPolling({ name, everyMs, poll, failed, clock }: PollingOptions): Service {
  const stopping = new AbortController();
  let polling: Promise<void> = Promise.resolve();

  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      await poll(stopping.signal).catch(failed);
      await clock.sleep(everyMs, stopping.signal).catch(() => {}); // the stop ends the pause
    }
  }

  return {
    name,
    async start() {
      polling = loop();
    },
    async stop() {
      stopping.abort();
      await polling;
    },
  };
}
