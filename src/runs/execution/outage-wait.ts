import type { JournalEntries, Run, Step, StoredEvent } from '../../storage/port/index.ts';

/** The backoff of a run that waits for a provider: from the least to the most, doubled each time it made no new step. */
const waitMsMin = 1_000;
const waitMsMax = 60_000;
/** An unusable answer may be the same the next time, and is paid for: a run waits for a better one so often in a row. */
const unusableAnswerWaitsMax = 3;

/** How often a run was handed back since its last step that was recorded as completed. */
export function consecutiveWaits(steps: readonly Step[], events: readonly StoredEvent[]): number {
  const doneAtMs = Math.max(
    0,
    ...steps.filter(({ status }) => status === 'completed').map((step) => step.startedAtMs + (step.durationMs ?? 0)),
  );
  return events.filter(({ type, atMs }) => type === 'run.resumed' && atMs > doneAtMs).length;
}

/** How long a run waits, in ms, if a provider could serve it after `retryAfterMs` and it has waited `waits` times in vain. */
export const outageWaitMs = (retryAfterMs: number, waits: number): number =>
  Math.min(Math.max(retryAfterMs, Math.min(waitMsMin * 2 ** waits, waitMsMax)), waitMsMax);

/**
 * Whether a run has met an outage of all providers, and how long it is to wait in the queue for its end. Only background
 * runs wait: the caller of any other run waits in this process.
 */
export function createOutageWait(run: Run, recorded: JournalEntries) {
  let waitMs: number | null = null;
  return {
    /**
     * A model call failed: no provider was available (`isOutage`), or none gave a usable answer. One may after so many
     * ms.
     */
    callFailed(retryAfterMs: number, isOutage: boolean): void {
      const waits = consecutiveWaits(recorded.steps, recorded.events);
      if (run.mode !== 'background' || (!isOutage && waits >= unusableAnswerWaitsMax)) return;
      waitMs = outageWaitMs(retryAfterMs, waits);
    },

    /** How long the run is to wait, in ms; null if it need not. */
    waitMs: (): number | null => waitMs,
  };
}

/** Whether a run has met an outage, and how long it waits for its end. */
export type OutageWait = ReturnType<typeof createOutageWait>;
