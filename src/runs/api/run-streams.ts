import type { FastifyReply, FastifyRequest } from 'fastify';
import type { KeyRevocationWatch } from '../../keys/index.ts';
import type { Settings } from '../../platform/settings/settings.ts';
import type { Run } from '../../storage/port/index.ts';
import type { EventFeed } from '../events/event-feed.ts';
import type { EventInclude } from '../events/events.ts';
import { createStreamLimit } from './stream-limit.ts';
import { clientDisconnected, sendStream } from './stream-reply.ts';

/** Dependencies of the streams of events. */
export type RunStreamsDeps = {
  feed: Pick<EventFeed, 'read'>;
  settings: Pick<Settings, 'streamsPerCallerMax' | 'store'>;
  /** Ends every open stream: the process stops. */
  closing: AbortSignal;
  /** Ends the streams of keys that are revoked or have expired. */
  keyWatch: KeyRevocationWatch;
};

/** The streams of events that this process has open. */
export function createRunStreams({ feed, settings, closing, keyWatch }: RunStreamsDeps) {
  const limit = createStreamLimit(settings.streamsPerCallerMax);
  const hasPeers = settings.store.databaseUrl !== undefined;

  return {
    /**
     * Takes a permit for a stream of this caller. The permit is released when the response closes, however it ends.
     *
     * @throws {ServiceError} `rate_limited`
     */
    acquire({ caller, ip }: FastifyRequest, reply: FastifyReply): void {
      const permit = limit.acquire(caller.keyId ?? ip);
      reply.raw.once('close', () => permit[Symbol.dispose]());
    },

    /**
     * Answers with the events of a run after `afterSeq`, see `EventFeed.read`. The stream ends with the run, and before it if the process
     * stops, the key is revoked or expires, the client disconnects, or `over` aborts.
     */
    send(reply: FastifyReply, run: Run, afterSeq: number, include?: EventInclude, over?: AbortSignal): FastifyReply {
      const key = keyWatch.watch(reply.request.caller);
      if (reply.raw.closed) key[Symbol.dispose]();
      reply.raw.once('close', () => key[Symbol.dispose]());
      const ended = AbortSignal.any([
        closing,
        key.ended,
        clientDisconnected(reply),
        ...(over === undefined ? [] : [over]),
      ]);
      return sendStream(reply, feed.read(run, afterSeq, ended, include), hasPeers);
    },
  };
}

/** The streams of events that this process has open. */
export type RunStreams = ReturnType<typeof createRunStreams>;
