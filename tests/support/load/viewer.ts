import { isDeepStrictEqual } from 'node:util';
import { readEvents, type ServerSentEvent, textOf } from '../sse.ts';
import type { SeenEvent } from './report.ts';

const finalTypes = new Set(['run.completed', 'run.failed', 'run.cancelled', 'run.timed_out']);

/** What a viewer of one run has seen so far, over all its connections. */
export type Viewer = {
  readonly seen: SeenEvent[];
  /** The number of the last event, for `Last-Event-ID`; 0 before the first. */
  lastSeq(): number;
  /** The run's last event; undefined while there is none. */
  final(): SeenEvent | undefined;
  /** Whether the run waits for a person, as far as this viewer knows. */
  waits(): boolean;
  /** The text that the run's deltas make. */
  text(): string;
  /**
   * Reads a stream to its end, and calls `onEvent` with each event. Rejects with a TypeError if the connection breaks.
   */
  read(response: Response, onEvent: (event: SeenEvent) => void): Promise<void>;
};

/** A viewer that notices, in words, what no viewer of a run should see. */
export function createViewer(name: string, violated: (what: string) => void): Viewer {
  const seen: SeenEvent[] = [];
  const read: ServerSentEvent[] = [];

  function take(event: ServerSentEvent): SeenEvent {
    const data = event.data as SeenEvent;
    const { seq: before = 0, run_id: runId = data.run_id } = seen.at(-1) ?? {};
    const at = `${name} event ${event.id} ${event.event}`;
    if (data.seq !== before + 1) violated(`${at} came after event ${before}`);
    if (event.id !== `${data.seq}` || event.event !== data.type)
      violated(`${at} says of itself ${data.seq} ${data.type}`);
    if (data.run_id !== runId) violated(`${at} is of run ${data.run_id}, those before of ${runId}`);
    if (finalTypes.has(seen.at(-1)?.type ?? '')) violated(`${at} came after the last event`);
    seen.push(data);
    read.push(event);
    return data;
  }

  const isOver = () => finalTypes.has(seen.at(-1)?.type ?? '') || seen.at(-1)?.type === 'run.requires_action';

  return {
    seen,
    lastSeq: () => seen.at(-1)?.seq ?? 0,
    final: () => seen.find(({ type }) => finalTypes.has(type)),
    waits: () => seen.at(-1)?.type === 'run.requires_action',
    text: () => textOf(read),
    async read(response, onEvent) {
      const events = readEvents(response);
      let closing = false;
      for (let event = await events.next(); event; event = await events.next()) {
        if (closing) violated(`${name} ${event.event} came after stream.closing`);
        closing = event.event === 'stream.closing';
        if (!closing) onEvent(take(event));
      }
      if (!closing && !isOver())
        violated(`${name} the stream ended after event ${seen.at(-1)?.seq ?? 0} as if it were whole`);
    },
  };
}

/** Whether two viewers were told the same. */
export const sawTheSame = (one: SeenEvent[], other: SeenEvent[]): boolean => isDeepStrictEqual(one, other);
