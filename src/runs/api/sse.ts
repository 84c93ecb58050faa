import { endsStream, type RunEvent } from '../events/events.ts';

/** How long a stream stays silent at most: proxies cut connections that look idle. */
const keepAliveMs = 15_000;

const encode = (event: RunEvent) => `id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;

/** Not an event of the run: it has no id, and is not stored. */
const closingNote = 'event: stream.closing\ndata: {"type":"stream.closing"}\n\n';

const silent = Symbol('silent');

/** Listens for events, and for silence that lasts longer than a proxy likes to wait; one timer serves all of them. */
function createEar<T>() {
  let silence = () => {};
  const timer = setTimeout(() => silence(), keepAliveMs);
  return {
    /** Resolves with what `next` does, or to `silent`. */
    hear: (next: Promise<T>): Promise<T | typeof silent> =>
      new Promise((resolve, reject) => {
        silence = () => resolve(silent);
        timer.refresh();
        next.then(resolve, reject);
      }),
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}

/**
 * Events of a run in the format of server-sent events (WHATWG HTML, section 9.2). A stream that ends before its run
 * says so: its viewer may come back with the last id.
 */
export async function* streamOf(events: AsyncGenerator<RunEvent, void, undefined>): AsyncGenerator<string> {
  using ear = createEar<IteratorResult<RunEvent, void>>();
  let whole = false;
  try {
    yield ': follows\n\n'; // the headers go out with the first bytes, and the first event may be long in coming
    let next = events.next();
    for (;;) {
      const result = await ear.hear(next);
      if (result === silent) {
        yield ': still here\n\n';
        continue;
      }
      if (result.done) break;
      yield encode(result.value);
      whole = endsStream(result.value.type);
      next = events.next();
    }
    if (!whole) yield closingNote;
  } finally {
    await events.return();
  }
}
