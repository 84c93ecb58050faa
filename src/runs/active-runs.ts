import { createReleasingMap } from '../platform/releasing-map.ts';
import type { Run, StoredEvent } from '../storage/port/index.ts';
import type { LiveEventLog } from './events/live-event-log.ts';
import { RunStopped, type StopReason } from './run-failure.ts';

/** How an attempt at a run ended here, and when a caller does well to try again. */
export type AttemptEnd =
  /** The run has ended for good, or waits for a person. */
  | { type: 'ended'; run: Run; retryAfterMs?: number }
  /** It goes on in another process, or here after a restart. */
  | { type: 'handed_back' };

/** A run that this process executes. */
export type ActiveRun = {
  /** As it was when this attempt began. */
  readonly run: Run;
  readonly log: LiveEventLog;
  /** Aborts when the run is to end early; its reason is a `RunStopped`. */
  readonly signal: AbortSignal;
  /** Rejects with a `ServiceError` if the end could not be stored. */
  readonly ended: Promise<AttemptEnd>;
  /** Ends the run early. The first reason counts. */
  stop(reason: StopReason): void;
  /** Asks that the run be given back before its next step. */
  leave(): void;
  /** Whether that was asked. */
  isLeaving(): boolean;
};

/**
 * Carries out one attempt at a run, from its start to its stored end.
 *
 * @param deadlineMs when the run's time is over, on the monotonic clock
 * @param told events that were recorded with the run's creation
 * @param stored resolves once the run is stored: until then nothing that anybody else sees may be done for it
 */
export type ExecuteAttempt = (
  active: Omit<ActiveRun, 'ended'>,
  deadlineMs: number,
  told: readonly StoredEvent[],
  stored: Promise<unknown>,
) => Promise<AttemptEnd>;

/** The runs that this process executes, and a way to wait until there are none. */
export function createActiveRuns() {
  const active = createReleasingMap<string, ActiveRun>();
  const whenIdle = new Set<() => void>();
  const coming = new Set<number>();
  let begun = 0;
  let attended = 0;
  let backgroundLeaves = false;

  const isIdle = () => active.size() === 0 && coming.size === 0 && attended === 0;
  const tellIfIdle = () => {
    if (isIdle()) for (const resume of whenIdle) resume();
  };

  return {
    size: (): number => active.size(),
    get: (runId: string): ActiveRun | undefined => active.get(runId),

    /** Does work that may add a run: until it is done, nobody takes the process for idle. */
    async expect<Result>(work: () => Promise<Result>): Promise<Result> {
      begun += 1;
      const number = begun;
      coming.add(number);
      try {
        return await work();
      } finally {
        coming.delete(number);
        tellIfIdle();
      }
    },

    /** Waits for somebody who is answered here: until that is done, nobody takes the process for idle. */
    async attend<Result>(work: () => Promise<Result>): Promise<Result> {
      attended += 1;
      try {
        return await work();
      } finally {
        attended -= 1;
        tellIfIdle();
      }
    },

    /** A mark of this moment, for `isPast`. */
    mark: (): number => begun,

    /** Whether all work that may add a run and that had begun at the mark is done. */
    isPast: (mark: number): boolean => [...coming].every((number) => number > mark),

    /** How many of them are in the background. */
    background: (): number => [...active.values()].filter(({ run }) => run.mode === 'background').length,

    /** Whether one of them crashed before. */
    hasCrashed: (): boolean => [...active.values()].some(({ run }) => run.crashes > 0),

    /** Adds a run and carries it out by `live`, whose promise is the end of this attempt. */
    add(run: Run, log: LiveEventLog, live: (active: Omit<ActiveRun, 'ended'>) => Promise<AttemptEnd>): ActiveRun {
      const controller = new AbortController();
      let leaving = backgroundLeaves && run.mode === 'background';
      const handle = {
        run,
        log,
        signal: controller.signal,
        stop: (reason: StopReason) => controller.abort(new RunStopped(reason)),
        leave: () => {
          leaving = true;
        },
        isLeaving: () => leaving,
      };
      const ended = live(handle).finally(() => {
        log.close();
        // A later attempt may be here already: whoever handed the run back hears last that it did.
        if (active.get(run.id) === entry) active.delete(run.id);
        tellIfIdle();
      });
      ended.catch(() => {}); // whoever waits for the end is told; when nobody does, the log has it
      const entry: ActiveRun = { ...handle, ended };
      active.set(run.id, entry);
      return entry;
    },

    /**
     * Has the runs in the background given back, each before its next step, and those that come from now on: nobody
     * waits for them here.
     */
    leaveBackground(): void {
      backgroundLeaves = true;
      for (const entry of active.values()) if (entry.run.mode === 'background') entry.leave();
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

/** The runs that this process executes. */
export type ActiveRuns = ReturnType<typeof createActiveRuns>;
