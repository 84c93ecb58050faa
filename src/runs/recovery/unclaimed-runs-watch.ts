import type { Clock } from '../../platform/clock.ts';
import type { Service } from '../../platform/lifecycle.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Store } from '../../storage/port/index.ts';

/** How often it is looked, in ms. */
const lookMs = 5_000;
/** Looks in a row that must find the same: a process that is being replaced is missed for a moment. */
const looksMin = 2;

/** What the watch stands on. */
export type UnclaimedRunsWatchDeps = {
  store: { runs: Pick<Store['runs'], 'countUnattended'> };
  clock: Clock;
  log: Logger;
};

/**
 * Warns, once each time, when runs in the background are due and no live process executes such runs. For processes that
 * create them and leave them to others.
 */
export function createUnclaimedRunsWatch({ store, clock, log }: UnclaimedRunsWatchDeps): Service {
  const stopping = new AbortController();
  let looking: Promise<void> = Promise.resolve();
  let found = 0;

  async function look(): Promise<void> {
    const runs = await store.runs.countUnattended();
    if (runs === 0 && found >= looksMin) log.info('a process executes runs in the background again');
    found = runs === 0 ? 0 : found + 1;
    if (found !== looksMin) return;
    log.warn(
      { runs },
      'runs in the background wait, and no process executes them: start one with PROCESS_ROLE=worker, or all',
    );
  }

  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      await look().catch((error: unknown) => log.warn({ err: error }, 'runs that nobody executes were not looked for'));
      await clock.sleep(lookMs, stopping.signal).catch(() => {});
    }
  }

  return {
    name: 'unattended watch',
    async start() {
      looking = loop();
    },
    async stop() {
      stopping.abort();
      await looking;
    },
  };
}
