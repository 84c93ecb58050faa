/**
 * Reads a store past the service and says, in words, which of its promises it breaks.
 *
 *   expect(check(await readStore({ dataDir }), evidence)).toEqual([]);
 */
import { checkEvents } from './checker/check-events.ts';
import { checkLoad, type Evidence } from './checker/check-load.ts';
import { checkRun } from './checker/check-runs.ts';
import { checkSessions } from './checker/check-sessions.ts';
import { checkSteps } from './checker/check-steps.ts';
import { recordsOf, type Stored } from './checker/stored.ts';

export type { Evidence } from './checker/check-load.ts';
export { connectStore, readStore, type StoreAddress, type StoreConnection } from './checker/read-store.ts';
export type { Stored } from './checker/stored.ts';

/**
 * What is wrong in a store that no process uses any more; nothing, if all promises are kept. With `evidence` it is compared
 * with what was seen from outside. It judges runs that came to their end by themselves: none was cancelled or
 * interrupted, and every tool call has a step of its own.
 */
export function check(stored: Stored, evidence?: Evidence): string[] {
  const ofRuns = recordsOf(stored).flatMap((record) =>
    [...checkRun(record), ...checkEvents(record), ...checkSteps(record)].map((what) => `run ${record.run.id} ${what}`),
  );
  return [...ofRuns, ...checkSessions(stored), ...(evidence ? checkLoad(stored, evidence) : [])];
}
