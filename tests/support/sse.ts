import { createParser } from 'eventsource-parser';

/** One server-sent event; `data` is parsed JSON. */
export type ServerSentEvent = {
  id: string | undefined;
  event: string;
  data: Record<string, unknown> & { type: string };
};

/** A stream of server-sent events, read as a client of the standard would. */
export function readEvents(response: Response) {
  const received: ServerSentEvent[] = [];

  async function* read(): AsyncGenerator<ServerSentEvent> {
    const ready: ServerSentEvent[] = [];
    const parser = createParser({
      onEvent: ({ id, event, data }) => ready.push({ id, event: event ?? 'message', data: JSON.parse(data) }),
    });
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      parser.feed(decoder.decode(chunk, { stream: true }));
      for (const event of ready.splice(0)) {
        received.push(event);
        yield event;
      }
    }
  }
  const events = read();

  return {
    /** The next event; undefined after the last. */
    next: async (): Promise<ServerSentEvent | undefined> => (await events.next()).value ?? undefined,

    /** Reads on to the first event of a type. Throws when the stream ends without one. */
    async until(type: string): Promise<ServerSentEvent> {
      for (;;) {
        const { value, done } = await events.next();
        if (done) throw new Error(`The stream ended without ${type}: ${received.map(({ event }) => event).join(' ')}`);
        if (value.event === type) return value;
      }
    },

    /** Reads to the end; every event of the stream. */
    async all(): Promise<ServerSentEvent[]> {
      while (!(await events.next()).done);
      return received;
    },

    /** The client goes away. */
    leave: async (): Promise<void> => void (await events.return(undefined)),
  };
}

/** The text that the deltas since the last reset of the last message make. */
export function textOf(events: ServerSentEvent[]): string {
  let step: unknown;
  let text = '';
  for (const { data } of events) {
    if (data.type === 'text.reset') text = '';
    if (data.type !== 'text.delta') continue;
    if (data.step !== step) text = '';
    step = data.step;
    text += data.delta;
  }
  return text;
}
