import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { RunEvent } from '../events/events.ts';
import { streamOf } from './sse.ts';

/** Aborts when the client has gone before its answer was sent. */
export function clientGone(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort();
  });
  return gone.signal;
}

/**
 * Answers with a stream of events, which no proxy on the way holds back. Where other processes could take what a caller
 * asks next (`hasPeers`), its connection ends with it: when a process begins to stop, streams under way can no longer be
 * told by a header, and whoever used such a connection again would meet a process that takes no new runs.
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
    .send(Readable.from(streamOf(events)) as never);
}
