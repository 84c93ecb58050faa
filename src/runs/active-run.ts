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
  let coming = 0;

  const isIdle = () => active.size === 0 && coming === 0;
  const tellIfIdle = () => {
    if (isIdle()) for (const resume of whenIdle) resume();
  };

  return {
    size: (): number => active.size,
    get: (runId: string): ActiveRun | undefined => active.get(runId),

    /** Does work that may add a run: until it is done, nobody takes the process for idle. */
    async expect<Result>(work: () => Promise<Result>): Promise<Result> {
      coming += 1;
      try {
        return await work();
      } finally {
        coming -= 1;
        tellIfIdle();
      }
    },

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
        tellIfIdle();
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

    /** Resolves once no run is active or about to be; at the latest when `signal` aborts. True if none was left. */
    idle(signal: AbortSignal): Promise<boolean> {
      return new Promise((resolve) => {
        if (isIdle() || signal.aborted) return resolve(isIdle());
        const settle = () => {
          whenIdle.delete(settle);
          signal.removeEventListener('abort', settle);
          resolve(isIdle());
        };
        whenIdle.add(settle);
        signal.addEventListener('abort', settle, { once: true });
      });
    },
  };
}

/** The runs of this process that have not ended. */
export type ActiveRuns = ReturnType<typeof createActiveRuns>;
