import type { Clock } from '../../platform/clock.ts';
import type { RunEventBody } from '../events/events.ts';

/** Text that arrives within this time, or up to this size, shares one event; the first of a step waits for nothing. */
const coalesceMs = 10;
const coalesceChars = 1024;
/** Where many runs speak, text waits for longer, but for no longer than this, in ms: it still reads as it comes. */
const coalesceMsMax = 50;
/** A beat is at least so long for each run that spoke at the one before, in ms; what that costs is about a tenth of it. */
const perRunMs = 0.5;

/** Resolves when the text that waits is to be told: by then as much has come as shares one event. */
export type FlushTimer = () => Promise<void>;

/**
 * One beat for all runs of a process: what they tell at the same moment is stored together. It is slower the more runs
 * speak, so that a tenth of the time goes into their telling: first tokens and other runs have the rest.
 */
export function createFlushTimer(clock: Pick<Clock, 'sleep'>): FlushTimer {
  let coming: Promise<void> | null = null;
  let waiting = 0;

  async function next(waitMs: number): Promise<void> {
    await clock.sleep(waitMs);
    coming = null;
  }

  return () => {
    if (coming === null) {
      coming = next(Math.min(coalesceMsMax, Math.max(coalesceMs, waiting * perRunMs)));
      waiting = 0;
    }
    waiting += 1;
    return coming;
  };
}

type Tell = (body: RunEventBody) => void;

/** Turns the text of models into events: coalesced before they are numbered. */
export function createTextCoalescer({ beat, tell, tellFirst }: { beat: FlushTimer; tell: Tell; tellFirst: Tell }) {
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
        tellFirst({ type: 'text.delta', step, delta });
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
