import { endsStream, type RunEvent } from './events.ts';

/** How long a stream stays silent at most: proxies cut connections that look idle. */
const keepAliveMs = 15_000;

const encode = (event: RunEvent) => `id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;

/** Not an event of the run: it has no id, and is not stored. */
const closingNote = 'event: stream.closing\ndata: {"type":"stream.closing"}\n\n';

const silent = Symbol('silent');

/** Resolves to `silent` if `next` takes longer than a proxy likes to wait. */
async function orSilence<T>(next: Promise<T>): Promise<T | typeof silent> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<typeof silent>((resolve) => {
    timer = setTimeout(resolve, keepAliveMs, silent);
  });
  return Promise.race([next, silence]).finally(() => clearTimeout(timer));
}

/**
 * Events of a run in the format of server-sent events (WHATWG HTML, section 9.2). A stream that ends before its run
 * says so: its viewer may come back with the last id.
 */
export async function* streamOf(events: AsyncGenerator<RunEvent, void, undefined>): AsyncGenerator<string> {
  let whole = false;
  try {
    yield ': follows\n\n'; // the headers go out with the first bytes, and the first event may be long in coming
    let next = events.next();
    for (;;) {
      const result = await orSilence(next);
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
