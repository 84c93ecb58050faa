import type { Clock } from '../../platform/clock.ts';
import type { Service } from '../../platform/lifecycle.ts';
import type { Logger } from '../../platform/logger.ts';
import { createPolling } from '../../platform/polling.ts';
import type { Store } from '../../storage/port/index.ts';

/** How often the store is polled, in ms. */
const pollMs = 5_000;
/** Consecutive polls that must find unclaimed runs: while a process is replaced, no process executes them for a moment. */
const pollsMin = 2;

/** Dependencies of the watch. */
export type UnclaimedRunsWatchDeps = {
  store: { runs: Pick<Store['runs'], 'countUnclaimed'> };
  clock: Clock;
  log: Logger;
};

/**
 * Logs a warning, once each time, when background runs are due and no live process executes such runs. For processes that
 * create background runs but leave them to other processes.
 */
export function createUnclaimedRunsWatch({ store, clock, log }: UnclaimedRunsWatchDeps): Service {
  let pollsWithRuns = 0;

  async function poll(): Promise<void> {
    const runs = await store.runs.countUnclaimed();
    if (runs === 0 && pollsWithRuns >= pollsMin) log.info('a process executes runs in the background again');
    pollsWithRuns = runs === 0 ? 0 : pollsWithRuns + 1;
    if (pollsWithRuns !== pollsMin) return;
    log.warn(
      { runs },
      'runs in the background wait, and no process executes them: start one with PROCESS_ROLE=worker, or all',
    );
  }

  return createPolling({
    name: 'unattended watch',
    everyMs: pollMs,
    poll,
    failed: (error) => log.warn({ err: error }, 'runs that nobody executes were not looked for'),
    clock,
  });
}
