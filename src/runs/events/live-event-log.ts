import { endsStream, type RunEvent } from './events.ts';

/** A durable event, which takes the form that viewers see when one of them reads it: most runs have no viewer. */
export type LiveEvent = Pick<RunEvent, 'seq' | 'type'> & { show(): RunEvent };

/** What a log holds; `more` resolves when events were added, the log was closed, or `signal` aborts. */
type State = { readonly events: LiveEvent[]; closed: boolean; more(signal?: AbortSignal): Promise<void> };

/**
 * Not a function of its own for each log: V8 keeps a hidden class for the generators that a function makes, and by it
 * the log, until the next full garbage collection.
 */
async function* read(state: State, afterSeq: number, signal?: AbortSignal) {
  const { events } = state;
  for (let next = afterSeq + 1 - firstSeq(events); ; ) {
    const event = events[next];
    if (event) {
      next += 1;
      yield event.show();
    } else if (state.closed || signal?.aborted) return;
    else {
      const last = events.at(-1);
      if (last && endsStream(last.type)) return;
      await state.more(signal);
    }
  }
}

const firstSeq = (events: readonly LiveEvent[]) => events[0]?.seq ?? Number.POSITIVE_INFINITY;

/**
 * The events of a run while this process executes it, as they became durable. Any number of viewers read it, each at
 * its own pace: a slow one neither slows the run nor makes it buffer anything twice.
 */
export function createLiveEventLog() {
  const waiting = new Set<() => void>();

  function wake(): void {
    for (const resume of waiting) resume();
    waiting.clear();
  }

  const state: State = {
    events: [],
    closed: false,
    more: (signal) =>
      new Promise((resolve) => {
        const resume = () => {
          waiting.delete(resume);
          signal?.removeEventListener('abort', resume);
          resolve();
        };
        waiting.add(resume);
        signal?.addEventListener('abort', resume, { once: true });
      }),
  };

  return {
    /** The number of the first event in it; those before are in the store. Infinity while there is none. */
    firstSeq: (): number => firstSeq(state.events),

    /** Adds events that are durable, in order. */
    publish(more: LiveEvent[]): void {
      if (more.length === 0) return;
      state.events.push(...more);
      wake();
    },

    /**
     * The events after `afterSeq`, those there are and those to come, until the last one of the run. `close`, and
     * `signal` when it aborts, end it quietly after those there are.
     */
    read: (afterSeq: number, signal?: AbortSignal): AsyncGenerator<RunEvent, void, undefined> =>
      read(state, afterSeq, signal),

    /** Ends every reader after what is there: the run has ended or goes on elsewhere. */
    close(): void {
      state.closed = true;
      wake();
    },
  };
}

/** The events of a run while this process executes it. */
export type LiveEventLog = ReturnType<typeof createLiveEventLog>;
