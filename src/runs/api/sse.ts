import { endsStream, type RunEvent } from '../events/events.ts';

/** Longest silence of a stream, in ms: proxies close connections that look idle. */
const keepAliveMs = 15_000;

const encode = (event: RunEvent) => `id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;

/** Not an event of the run: it has no id, and is not stored. */
const closingEvent = 'event: stream.closing\ndata: {"type":"stream.closing"}\n\n';

const silent = Symbol('silent');

/** Limits the wait for each value to `keepAliveMs`. One timer serves all waits. */
function createSilenceTimer<T>() {
  let onSilence = () => {};
  const timer = setTimeout(() => onSilence(), keepAliveMs);
  return {
    /** Resolves with the value of `next`, or with `silent` if that takes too long. */
    nextOrSilent: (next: Promise<T>): Promise<T | typeof silent> =>
      new Promise((resolve, reject) => {
        onSilence = () => resolve(silent);
        timer.refresh();
        next.then(resolve, reject);
      }),
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}

/**
 * Events of a run in the format of server-sent events (WHATWG HTML, section 9.2). A stream that ends before its run
 * ends with `stream.closing`: the client may reconnect with the last id.
 */
export async function* toServerSentEvents(events: AsyncGenerator<RunEvent, void, undefined>): AsyncGenerator<string> {
  using silence = createSilenceTimer<IteratorResult<RunEvent, void>>();
  let complete = false;
  try {
    yield ': follows\n\n'; // the headers are sent with the first bytes, and the first event may come much later
    let next = events.next();
    for (;;) {
      const result = await silence.nextOrSilent(next);
      if (result === silent) {
        yield ': still here\n\n';
        continue;
      }
      if (result.done) break;
      yield encode(result.value);
      complete = endsStream(result.value.type);
      next = events.next();
    }
    if (!complete) yield closingEvent;
  } finally {
    await events.return();
  }
}
