import type { Run } from '../storage/port/index.ts';
import type { EventLog } from './event-log.ts';
import { RunStopped, type StopReason } from './failures.ts';

/** A run that this process executes, or that waits in it for its session. */
export type ActiveRun = {
  /** As it was when it was created. */
  readonly run: Run;
  readonly events: EventLog;
  /** Aborts when the run is to end early; its reason is a `RunStopped`. */
  readonly signal: AbortSignal;
  /** The run as it was stored when it ended or paused. Rejects with a `ServiceError` if that could not be stored. */
  readonly ended: Promise<EndedRun>;
  /** Ends the run early. The first reason counts. */
  stop(reason: StopReason): void;
};

/** A run at its end, and when a caller does well to try again. */
export type EndedRun = { run: Run; retryAfterMs?: number };

/**
 * Carries out a run from its creation to its stored end.
 *
 * @param start.holdsSlot whether the run was started and has a slot; otherwise it waits for its session first
 * @param start.deadlineMs when its time is over, on the monotonic clock
 */
export type RunLife = (
  active: Omit<ActiveRun, 'ended'>,
  start: { holdsSlot: boolean; deadlineMs: number },
) => Promise<EndedRun>;

/** The runs of this process that have not ended, and a way to wait until there are none. */
export function createActiveRuns() {
  const active = new Map<string, ActiveRun>();
  const whenIdle = new Set<() => void>();

  return {
    size: (): number => active.size,
    get: (runId: string): ActiveRun | undefined => active.get(runId),

    /** Adds a run and carries it out by `live`, whose promise is the run's end. */
    add(run: Run, events: EventLog, live: (active: Omit<ActiveRun, 'ended'>) => Promise<EndedRun>): ActiveRun {
      const controller = new AbortController();
      const handle = {
        run,
        events,
        signal: controller.signal,
        stop: (reason: StopReason) => controller.abort(new RunStopped(reason)),
      };
      const ended = live(handle).finally(() => {
        active.delete(run.id);
        if (active.size === 0) for (const resume of whenIdle) resume();
      });
      ended.catch(() => {}); // whoever waits for the end is told; when nobody does, the log has it
      const entry: ActiveRun = { ...handle, ended };
      active.set(run.id, entry);
      return entry;
    },

    /** Ends every run early, for the same reason. */
    stopAll(reason: StopReason): void {
      for (const run of active.values()) run.stop(reason);
    },

    /** Resolves once no run is active; at the latest when `signal` aborts. True if none was left. */
    idle(signal: AbortSignal): Promise<boolean> {
      return new Promise((resolve) => {
        if (active.size === 0 || signal.aborted) return resolve(active.size === 0);
        const settle = () => {
          whenIdle.delete(settle);
          signal.removeEventListener('abort', settle);
          resolve(active.size === 0);
        };
        whenIdle.add(settle);
        signal.addEventListener('abort', settle, { once: true });
      });
    },
  };
}

/** The runs of this process that have not ended. */
export type ActiveRuns = ReturnType<typeof createActiveRuns>;
