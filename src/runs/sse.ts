import type { EventLog } from './event-log.ts';
import { endsStream, type RunEvent } from './events.ts';

/** How long a stream stays silent at most: proxies cut connections that look idle. */
const keepAliveMs = 15_000;

const encode = (event: RunEvent) => `id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;

/** Not an event of the run: it has no id, and is not stored. */
const closingNote = 'event: stream.closing\ndata: {"type":"stream.closing"}\n\n';

/** From where a stream starts, and what ends it early. */
export type StreamOptions = {
  /** The last event the viewer has seen; 0 for none. */
  afterSeq: number;
  /** Aborts when this process is going away. */
  closing: AbortSignal;
  /** Aborts when the viewer is. */
  gone: AbortSignal;
};

const silent = Symbol('silent');

/** Resolves to `silent` if `next` takes longer than a proxy likes to wait. */
async function orSilence<T>(next: Promise<T>): Promise<T | typeof silent> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<typeof silent>((resolve) => {
    timer = setTimeout(resolve, keepAliveMs, silent);
  });
  return Promise.race([next, silence]).finally(() => clearTimeout(timer));
}

/** The events of a run in the format of server-sent events (WHATWG HTML, section 9.2). */
export async function* streamOf(events: EventLog, options: StreamOptions): AsyncGenerator<string> {
  const ending = AbortSignal.any([options.closing, options.gone]);
  const reader = events.read(options.afterSeq, ending);
  try {
    let next = reader.next();
    let whole = false;
    for (;;) {
      const result = await orSilence(next);
      if (result === silent) {
        yield ': still here\n\n';
        continue;
      }
      if (result.done) break;
      yield encode(result.value);
      whole = endsStream(result.value.type);
      next = reader.next();
    }
    if (!whole && options.closing.aborted) yield closingNote;
  } finally {
    await reader.return();
  }
}
