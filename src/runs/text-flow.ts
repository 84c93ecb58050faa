import type { Clock } from '../platform/clock.ts';
import type { RunEventBody } from './events.ts';

/** Text that arrives within this time, or up to this size, shares one event; the first of a step waits for nothing. */
const coalesceMs = 10;
const coalesceChars = 1024;

/** Resolves when the text that waits is to be told: by then as much has come as shares one event. */
export type Beat = () => Promise<void>;

/** One beat for all runs of a process: what they tell at the same moment is stored together. */
export function createBeat(clock: Pick<Clock, 'sleep'>): Beat {
  let coming: Promise<void> | null = null;
  return () => {
    coming ??= clock.sleep(coalesceMs).then(() => {
      coming = null;
    });
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
