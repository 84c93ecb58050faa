import { endsStream, type RunEvent } from './events.ts';

/** A durable event. Its form on the wire is made when a viewer reads it: most runs have no viewer. */
export type LiveEvent = Pick<RunEvent, 'seq' | 'type'> & { show(): RunEvent };

/** The state of a log. `changed` resolves when events were added, the log was closed, or `signal` aborts. */
type State = { readonly events: LiveEvent[]; closed: boolean; changed(signal?: AbortSignal): Promise<void> };

/**
 * Reads a log. One function for all logs: V8 keeps a hidden class for the generators of each function, and with it what
 * the function closes over, until the next full garbage collection.
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
      await state.changed(signal);
    }
  }
}

const firstSeq = (events: readonly LiveEvent[]) => events[0]?.seq ?? Number.POSITIVE_INFINITY;

/**
 * The durable events of a run while this process executes it. Any number of viewers read it, each at its own pace: a
 * slow viewer neither slows the run down nor needs a buffer of its own.
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
    changed: (signal) =>
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
    /** The number of the first event in the log; earlier events are in the store. Infinity while the log is empty. */
    firstSeq: (): number => firstSeq(state.events),

    /** Adds events that are durable, in order. */
    publish(added: LiveEvent[]): void {
      if (added.length === 0) return;
      state.events.push(...added);
      wake();
    },

    /**
     * The events after `afterSeq`, past and future ones, until the last one of the run. `close`, and `signal` when it
     * aborts, end it without an error after the events in the log.
     */
    read: (afterSeq: number, signal?: AbortSignal): AsyncGenerator<RunEvent, void, undefined> =>
      read(state, afterSeq, signal),

    /** Ends every reader after the events in the log: the run has ended or continues in another process. */
    close(): void {
      state.closed = true;
      wake();
    },
  };
}

/** The events of a run while this process executes it. */
export type LiveEventLog = ReturnType<typeof createLiveEventLog>;
