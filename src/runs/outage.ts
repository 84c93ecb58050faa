import type { Run, Step, StoredEvent } from '../storage/port/index.ts';

/** A run waits for at least so long, twice as long each time that it has waited without a new step, and at most so long. */
const waitMsMin = 1_000;
const waitMsMax = 60_000;

/** How often a run was given back since its last step that was recorded as completed. */
export function waitsInARow(steps: readonly Step[], events: readonly StoredEvent[]): number {
  const doneAtMs = Math.max(
    0,
    ...steps.filter(({ status }) => status === 'completed').map((step) => step.startedAtMs + (step.durationMs ?? 0)),
  );
  return events.filter(({ type, atMs }) => type === 'run.resumed' && atMs > doneAtMs).length;
}

/** How long a run waits that a provider could serve after so many ms, and that has waited so often in vain. */
export const waitForMs = (retryAfterMs: number, waits: number): number =>
  Math.min(Math.max(retryAfterMs, Math.min(waitMsMin * 2 ** waits, waitMsMax)), waitMsMax);

/**
 * Whether a run has met an outage of all providers, and how long it is to wait in the queue for its end. Only runs in
 * the background do: nobody waits for them here.
 */
export function createOutage(run: Run, recorded: { steps: Step[]; events: StoredEvent[] }) {
  let waitMs: number | null = null;
  return {
    /** A model call found nobody to answer it; somebody may after so many ms. */
    met(retryAfterMs: number): void {
      if (run.mode !== 'background') return;
      waitMs = waitForMs(retryAfterMs, waitsInARow(recorded.steps, recorded.events));
    },

    /** How long the run is to wait, in ms; null if it need not. */
    waitMs: (): number | null => waitMs,
  };
}
