import { endsStream, type RunEvent } from './events.ts';

/** A durable event, which takes the form that viewers see when one of them reads it: most runs have no viewer. */
export type LiveEvent = Pick<RunEvent, 'seq' | 'type'> & { show(): RunEvent };

/**
 * The events of a run while this process executes it, as they became durable. Any number of viewers read it, each at
 * its own pace: a slow one neither slows the run nor makes it buffer anything twice.
 */
export function createLiveLog() {
  const events: LiveEvent[] = [];
  const waiting = new Set<() => void>();
  let closed = false;

  function wake(): void {
    for (const resume of waiting) resume();
    waiting.clear();
  }

  function nextEvent(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const resume = () => {
        waiting.delete(resume);
        signal?.removeEventListener('abort', resume);
        resolve();
      };
      waiting.add(resume);
      signal?.addEventListener('abort', resume, { once: true });
    });
  }

  const firstSeq = () => events[0]?.seq ?? Number.POSITIVE_INFINITY;

  return {
    /** The number of the first event in it; those before are in the store. Infinity while there is none. */
    firstSeq,

    /** Adds events that are durable, in order. */
    publish(more: LiveEvent[]): void {
      if (more.length === 0) return;
      events.push(...more);
      wake();
    },

    /**
     * The events after `afterSeq`, those there are and those to come, until the last one of the run. `close`, and
     * `signal` when it aborts, end it quietly after those there are.
     */
    async *read(afterSeq: number, signal?: AbortSignal): AsyncGenerator<RunEvent, void, undefined> {
      for (let next = afterSeq + 1 - firstSeq(); ; ) {
        const event = events[next];
        if (event) {
          next += 1;
          yield event.show();
        } else if (closed || signal?.aborted) return;
        else {
          const last = events.at(-1);
          if (last && endsStream(last.type)) return;
          await nextEvent(signal);
        }
      }
    },

    /** Ends every reader after what is there: the run has ended or goes on elsewhere. */
    close(): void {
      closed = true;
      wake();
    },
  };
}

/** The events of a run while this process executes it. */
export type LiveLog = ReturnType<typeof createLiveLog>;
