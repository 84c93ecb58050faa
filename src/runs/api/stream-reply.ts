import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { RunEvent } from '../events/events.ts';
import { toServerSentEvents } from './sse.ts';

/** Aborts when the client disconnects before the whole response was sent. */
export function clientDisconnected(reply: FastifyReply): AbortSignal {
  const disconnected = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) disconnected.abort();
  });
  return disconnected.signal;
}

/**
 * Answers with a stream of events that no proxy buffers. If other processes could serve the next request of the client
 * (`hasPeers`), the connection closes with the stream: the headers of an open stream are already sent when its process
 * begins to stop, and a client that reused the connection would reach a process that refuses new runs.
 */
export function sendStream(
  reply: FastifyReply,
  events: AsyncGenerator<RunEvent, void, undefined>,
  hasPeers: boolean,
): FastifyReply {
  if (hasPeers) reply.header('connection', 'close');
  return reply
    .header('content-type', 'text/event-stream; charset=utf-8')
    .header('cache-control', 'no-cache, no-transform')
    .header('x-accel-buffering', 'no')
    .serializer((payload: unknown) => payload as string)
    .send(Readable.from(toServerSentEvents(events)) as never);
}
