import type { Clock } from '../platform/clock.ts';
import type { RunEvent, RunEventBody } from './events.ts';
import { endsStream } from './events.ts';
import { toTime } from './view.ts';

/** Text that arrives within this time, or up to this size, shares one event; the first of a step waits for nothing. */
const coalesceMs = 10;
const coalesceChars = 1024;

/** Whose events a log holds. */
export type EventLogDeps = { runId: string; attempt: number; simulated: boolean; clock: Clock };

/**
 * The events of one run, numbered from 1 without gaps and kept until the run is forgotten. Any number of viewers read
 * it, each at its own pace: a slow one neither slows the run nor makes it buffer anything twice.
 */
export function createEventLog({ runId, attempt, simulated, clock }: EventLogDeps) {
  const events: RunEvent[] = [];
  const waiting = new Set<() => void>();
  let pending: { step: number; text: string } | undefined;
  let lastTextStep = 0;
  let closing = false;

  function number(body: RunEventBody): void {
    const envelope = { seq: events.length + 1, run_id: runId, at: toTime(clock.nowMs()), attempt };
    events.push({ ...body, ...envelope, ...(simulated ? { simulated: true as const } : {}) } as RunEvent);
    wake();
  }

  function wake(): void {
    for (const resume of waiting) resume();
    waiting.clear();
  }

  function flushText(): void {
    if (!pending) return;
    const { step, text } = pending;
    pending = undefined;
    number({ type: 'text.delta', step, delta: text });
  }

  const ended = () => {
    const last = events.at(-1);
    return closing || (last !== undefined && endsStream(last.type));
  };

  return {
    /** Adds an event. Text that waits to be coalesced gets its number first. */
    append(body: RunEventBody): void {
      flushText();
      number(body);
    },

    /** Adds text of a step, coalesced before it is numbered. */
    appendText(step: number, delta: string): void {
      if (step !== lastTextStep) {
        flushText();
        lastTextStep = step;
        number({ type: 'text.delta', step, delta });
        return;
      }
      if (!pending) {
        pending = { step, text: '' };
        void clock.sleep(coalesceMs).then(flushText);
      }
      pending.text += delta;
      if (pending.text.length >= coalesceChars) flushText();
    },

    /** The number of the last event. */
    lastSeq: (): number => events.length,

    /**
     * The events after `afterSeq`, those there are and those to come, until the last one of the run. `close`, and
     * `signal` when it aborts, end it quietly after those there are.
     */
    async *read(afterSeq: number, signal?: AbortSignal): AsyncGenerator<RunEvent, void, undefined> {
      for (let next = afterSeq; ; ) {
        const event = events[next];
        if (event) {
          next += 1;
          yield event;
        } else if (ended() || signal?.aborted) return;
        else await nextEvent(signal);
      }
    },

    /** Ends every reader after what is there: this process is going away. */
    close(): void {
      flushText();
      closing = true;
      wake();
    },
  };

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
}

/** The events of one run. */
export type EventLog = ReturnType<typeof createEventLog>;
