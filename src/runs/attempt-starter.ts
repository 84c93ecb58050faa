import type { Clock } from '../platform/clock.ts';
import type { Run, StoredEvent } from '../storage/port/index.ts';
import type { ActiveRuns, ExecuteAttempt } from './active-runs.ts';
import type { Admission } from './admission/admission.ts';
import type { Slots } from './admission/slots.ts';
import { createLiveEventLog } from './events/live-event-log.ts';
import { liveCreatedEvent, toLiveEvent } from './events/stored-events.ts';
import { whenOverdue } from './overdue.ts';

/** Dependencies of the attempt starter. */
export type AttemptStarterDeps = {
  executeAttempt: ExecuteAttempt;
  active: ActiveRuns;
  slots: Pick<Slots, 'release'>;
  admission: Pick<Admission, 'served'>;
  clock: Clock;
};

/**
 * Starts one attempt at a run for which the caller holds a slot. The slot is released when the attempt ends.
 *
 * @param deadlineMs when the time of the run is over, on the monotonic clock
 * @param recorded events that were stored with the creation of the run
 * @param stored resolves once the run is durable
 */
export type StartAttempt = (
  run: Run,
  deadlineMs: number,
  recorded: readonly StoredEvent[],
  stored: Promise<unknown>,
) => void;

/** Returns how this process starts an attempt at a run. */
export function createAttemptStarter(deps: AttemptStarterDeps): StartAttempt {
  const { executeAttempt, active, slots, admission, clock } = deps;
  return (run, deadlineMs, recorded, stored) => {
    const log = createLiveEventLog();
    const startedMs = clock.monotonicMs();
    const release = () => {
      if (run.mode !== 'background') admission.served(clock.monotonicMs() - startedMs);
      slots.release();
    };
    if (run.attempt === 1) log.publish([liveCreatedEvent(run), ...recorded.map((event) => toLiveEvent(run, event))]);
    const { ended } = active.add(run, log, (handle) =>
      executeAttempt(handle, deadlineMs, recorded, stored).finally(release),
    );
    // No viewer waits longer for the store than a caller does: it comes back, and finds the end once that is stored.
    whenOverdue(clock, deadlineMs, ended, log.close);
  };
}
