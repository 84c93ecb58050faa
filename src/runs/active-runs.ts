import { createReleasingMap } from '../platform/releasing-map.ts';
import type { Run, StoredEvent } from '../storage/port/index.ts';
import type { LiveEventLog } from './events/live-event-log.ts';
import { RunStopped, type StopReason } from './run-failure.ts';

/** How an attempt at a run ended here, and when a retry by the caller makes sense. */
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
  /** Requests that the run be handed back before its next step. */
  requestHandBack(): void;
  /** Whether that was requested. */
  isHandBackRequested(): boolean;
};

type Handle = Omit<ActiveRun, 'ended'>;

/**
 * Carries out one attempt at a run, from its start to its stored end.
 *
 * @param deadlineMs when the run's time is over, on the monotonic clock
 * @param createdEvents events that were recorded with the run's creation
 * @param stored resolves once the run is stored: until then the run must have no effect outside of this process
 */
export type ExecuteAttempt = (
  active: Handle,
  deadlineMs: number,
  createdEvents: readonly StoredEvent[],
  stored: Promise<unknown>,
) => Promise<AttemptEnd>;

/** The runs that this process executes, and a way to wait until there are none. */
export function createActiveRuns() {
  const active = createReleasingMap<string, ActiveRun>();
  const idleness = createIdleness(() => active.size() === 0);
  let isBackgroundHandedBack = false;

  return {
    size: (): number => active.size(),
    get: (runId: string): ActiveRun | undefined => active.get(runId),

    expect: idleness.expect,
    attend: idleness.attend,
    mark: idleness.mark,
    isPast: idleness.isPast,
    idle: idleness.idle,

    /** How many of them are in the background. */
    background: (): number => [...active.values()].filter(isBackground).length,

    /** Whether one of them crashed before. */
    hasCrashed: (): boolean => [...active.values()].some(({ run }) => run.crashes > 0),

    /** Adds a run and carries it out by `execute`, whose promise is the end of this attempt. */
    add(run: Run, log: LiveEventLog, execute: (handle: Handle) => Promise<AttemptEnd>): ActiveRun {
      const handle = createHandle(run, log);
      if (isBackgroundHandedBack && isBackground(handle)) handle.requestHandBack();
      const ended = execute(handle).finally(() => {
        log.close();
        // A later attempt may be active here already: this one learns of its hand-back only after the store has it.
        if (active.get(run.id) === entry) active.delete(run.id);
        idleness.notify();
      });
      ended.catch(() => {}); // callers that wait for the end receive the error; if there are none, the log has it
      const entry: ActiveRun = { ...handle, ended };
      active.set(run.id, entry);
      return entry;
    },

    /**
     * Requests that background runs be handed back, each before its next step, and those that are added from now on: no
     * caller waits for them here.
     */
    leaveBackground(): void {
      isBackgroundHandedBack = true;
      for (const entry of active.values()) if (isBackground(entry)) entry.requestHandBack();
    },

    /** Ends every run early, for the same reason. */
    stopAll(reason: StopReason): void {
      for (const run of active.values()) run.stop(reason);
    },
  };
}

/** The runs that this process executes. */
export type ActiveRuns = ReturnType<typeof createActiveRuns>;

const isBackground = ({ run }: Handle): boolean => run.mode === 'background';

function createHandle(run: Run, log: LiveEventLog): Handle {
  const controller = new AbortController();
  let isHandBackRequested = false;
  return {
    run,
    log,
    signal: controller.signal,
    stop: (reason) => controller.abort(new RunStopped(reason)),
    requestHandBack: () => {
      isHandBackRequested = true;
    },
    isHandBackRequested: () => isHandBackRequested,
  };
}

/** When this process is idle: it executes no run, does no work that may add one, and answers no caller. */
function createIdleness(hasNoRuns: () => boolean) {
  const pending = createPendingWork();
  const waiters = new Set<() => void>();
  let answering = 0;

  const isIdle = () => hasNoRuns() && pending.isEmpty() && answering === 0;

  /** Resumes the callers that wait for idleness, once it is there. */
  function notify(): void {
    if (isIdle()) for (const resume of waiters) resume();
  }

  return {
    notify,
    mark: pending.mark,
    isPast: pending.isPast,

    /** Does work that may add a run: until it is done, the process is not idle. */
    async expect<Result>(work: () => Promise<Result>): Promise<Result> {
      const number = pending.begin();
      try {
        return await work();
      } finally {
        pending.end(number);
        notify();
      }
    },

    /** Does work that answers a caller of this process: until it is done, the process is not idle. */
    async attend<Result>(work: () => Promise<Result>): Promise<Result> {
      answering += 1;
      try {
        return await work();
      } finally {
        answering -= 1;
        notify();
      }
    },

    /** Resolves once no run is active or about to be; at the latest when `signal` aborts. True if none was left. */
    idle: (signal: AbortSignal): Promise<boolean> =>
      new Promise((resolve) => {
        if (isIdle() || signal.aborted) return resolve(isIdle());
        const resume = () => {
          waiters.delete(resume);
          signal.removeEventListener('abort', resume);
          resolve(isIdle());
        };
        waiters.add(resume);
        signal.addEventListener('abort', resume, { once: true });
      }),
  };
}

/** Work in progress that may add a run, numbered in the order in which it began. */
function createPendingWork() {
  const inProgress = new Set<number>();
  let begun = 0;

  return {
    /** Begins a piece of work; returns its number. */
    begin(): number {
      begun += 1;
      inProgress.add(begun);
      return begun;
    },

    end: (number: number): void => void inProgress.delete(number),

    isEmpty: (): boolean => inProgress.size === 0,

    /** A mark of this moment, for `isPast`. */
    mark: (): number => begun,

    /** Whether all work that may add a run and that had begun at the mark is done. */
    isPast: (mark: number): boolean => [...inProgress].every((number) => number > mark),
  };
}
