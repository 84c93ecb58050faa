import type { Clock } from '../platform/clock.ts';
import type { RunEventBody } from './events.ts';

/** Text that arrives within this time, or up to this size, shares one event; the first of a step waits for nothing. */
const coalesceMs = 10;
const coalesceChars = 1024;
/** Where the process is behind, text waits for longer, but for no longer than this, in ms: it still reads as it comes. */
const coalesceMsMax = 50;
/** For each ms that the beat was late lately, the next one is so many ms later; each beat counts for a fifth of "lately". */
const stretch = 4;
const weight = 0.2;

/** Resolves when the text that waits is to be told: by then as much has come as shares one event. */
export type Beat = () => Promise<void>;

/**
 * One beat for all runs of a process: what they tell at the same moment is stored together. It is slower where the event
 * loop is late, since what each event costs would make it later still; first tokens and other runs have the time then.
 */
export function createBeat(clock: Pick<Clock, 'sleep' | 'monotonicMs'>): Beat {
  let coming: Promise<void> | null = null;
  let lateMs = 0;

  async function next(): Promise<void> {
    const waitMs = Math.min(coalesceMsMax, coalesceMs + stretch * lateMs);
    const dueMs = clock.monotonicMs() + waitMs;
    await clock.sleep(waitMs);
    lateMs += weight * (Math.max(0, clock.monotonicMs() - dueMs) - lateMs);
    coming = null;
  }

  return () => {
    coming ??= next();
    return coming;
  };
}

/** Turns the text of models into events: coalesced before they are numbered. */
export function createTextFlow({ beat, tell }: { beat: Beat; tell: (body: RunEventBody) => void }) {
  let pending: { step: number; text: string } | undefined;
  let lastStep = 0;

  function flush(): void {
    if (!pending) return;
    const { step, text } = pending;
    pending = undefined;
    tell({ type: 'text.delta', step, delta: text });
  }

  return {
    /** Adds text of a step. */
    add(step: number, delta: string): void {
      if (step !== lastStep) {
        flush();
        lastStep = step;
        tell({ type: 'text.delta', step, delta });
        return;
      }
      if (!pending) {
        pending = { step, text: '' };
        void beat().then(flush);
      }
      pending.text += delta;
      if (pending.text.length >= coalesceChars) flush();
    },

    /** Tells the text that waits for more. */
    flush,

    /** The last step that had text. */
    lastStep: (): number => lastStep,
  };
}
