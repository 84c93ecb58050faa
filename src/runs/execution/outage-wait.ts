import type { Run, Step, StoredEvent } from '../../storage/port/index.ts';

/** A run waits for at least so long, twice as long each time that it has waited without a new step, and at most so long. */
const waitMsMin = 1_000;
const waitMsMax = 60_000;
/** An answer that makes no sense may be the same the next time, and is paid for: it is waited for so often in a row. */
const patienceForNonsense = 3;

/** How often a run was given back since its last step that was recorded as completed. */
export function consecutiveWaits(steps: readonly Step[], events: readonly StoredEvent[]): number {
  const doneAtMs = Math.max(
    0,
    ...steps.filter(({ status }) => status === 'completed').map((step) => step.startedAtMs + (step.durationMs ?? 0)),
  );
  return events.filter(({ type, atMs }) => type === 'run.resumed' && atMs > doneAtMs).length;
}

/** How long a run waits that a provider could serve after so many ms, and that has waited so often in vain. */
export const outageWaitMs = (retryAfterMs: number, waits: number): number =>
  Math.min(Math.max(retryAfterMs, Math.min(waitMsMin * 2 ** waits, waitMsMax)), waitMsMax);

/**
 * Whether a run has met an outage of all providers, and how long it is to wait in the queue for its end. Only runs in
 * the background do: nobody waits for them here.
 */
export function createOutageWait(run: Run, recorded: { steps: Step[]; events: StoredEvent[] }) {
  let waitMs: number | null = null;
  return {
    /** A model call found nobody to answer it (`isOut`), or nobody who made sense; somebody may after so many ms. */
    met(retryAfterMs: number, isOut: boolean): void {
      const waits = consecutiveWaits(recorded.steps, recorded.events);
      if (run.mode !== 'background' || (!isOut && waits >= patienceForNonsense)) return;
      waitMs = outageWaitMs(retryAfterMs, waits);
    },

    /** How long the run is to wait, in ms; null if it need not. */
    waitMs: (): number | null => waitMs,
  };
}
