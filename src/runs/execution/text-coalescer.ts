import type { Clock } from '../../platform/clock.ts';

/** Text that arrives within this time, or up to this size, shares one event; the first of a step waits for nothing. */
const coalesceMs = 10;
const coalesceChars = 1024;
/** While many runs have text it waits longer, but no longer than this, in ms: a reader still sees it flow. */
const coalesceMsMax = 50;
/** The least interval of a flush per run that had text at the one before, in ms; a flush costs about a tenth of it. */
const perRunMs = 0.5;

/** Resolves at the next flush of pending text: by then as much text has arrived as shares one event. */
export type FlushTimer = () => Promise<void>;

/**
 * One flush timer for all runs of a process: text that they emit at the same moment is stored together. The interval
 * grows with the number of runs that have text, so that emitting it takes a tenth of the time: the rest is left for first
 * tokens and other runs.
 */
export function createFlushTimer(clock: Pick<Clock, 'sleep'>): FlushTimer {
  let nextFlush: Promise<void> | null = null;
  let waiting = 0;

  async function startTimer(waitMs: number): Promise<void> {
    await clock.sleep(waitMs);
    nextFlush = null;
  }

  return () => {
    if (nextFlush === null) {
      nextFlush = startTimer(Math.min(coalesceMsMax, Math.max(coalesceMs, waiting * perRunMs)));
      waiting = 0;
    }
    waiting += 1;
    return nextFlush;
  };
}

/** Dependencies of a text coalescer. */
export type TextCoalescerDeps<Source> = {
  flushTimer: FlushTimer;
  /** Emits text of one source; `isFirst` if it is the first since the text of another one. */
  emit(source: Source, text: string, isFirst: boolean): void;
};

/**
 * Turns the text of models into events: it is coalesced before the events are numbered. Text of different sources, such
 * as steps, never shares an event.
 */
export function createTextCoalescer<Source>({ flushTimer, emit }: TextCoalescerDeps<Source>) {
  let pending: { source: Source; text: string } | undefined;
  let last: Source | undefined;

  function flush(): void {
    if (!pending) return;
    const { source, text } = pending;
    pending = undefined;
    emit(source, text, false);
  }

  return {
    /** Adds text of a source. */
    add(source: Source, delta: string): void {
      if (source !== last) {
        flush();
        last = source;
        emit(source, delta, true);
        return;
      }
      if (!pending) {
        pending = { source, text: '' };
        void flushTimer().then(flush);
      }
      pending.text += delta;
      if (pending.text.length >= coalesceChars) flush();
    },

    /** Emits the pending text. */
    flush,

    /** The last source that had text. */
    lastSource: (): Source | undefined => last,
  };
}

/** Coalesces the text of models. */
export type TextCoalescer<Source> = ReturnType<typeof createTextCoalescer<Source>>;
