import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { pageView } from '../../platform/http/paging.ts';
import { problems } from '../../platform/http/problem.ts';
import type { EventFeed } from '../events/event-feed.ts';
import { runEvent } from '../events/events.ts';
import type { RunService } from '../service.ts';
import type { RunStreams } from './run-streams.ts';
import { followRunQuery, runParams } from './schemas.ts';

/** Options of the route that follows a run. */
export type StreamRoutesOptions = { runs: RunService; feed: EventFeed; streams: RunStreams };

/** The last event that the client has: from the query, or from the header that EventSource of browsers sends. */
function lastSeen(request: FastifyRequest, after: number | undefined): number {
  const header = request.headers['last-event-id'];
  return after ?? (typeof header === 'string' && /^\d{1,15}$/.test(header) ? Number(header) : 0);
}

/** Follows the events of a run. */
export const streamRoutes: FastifyPluginAsyncZod<StreamRoutesOptions> = async (app, { runs, feed, streams }) => {
  app.get(
    '/runs/:id/events',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'followRun',
        summary: 'Follow a run from any of its events on, or read them as a list (Accept: application/json)',
        tags: ['runs'],
        params: runParams,
        querystring: followRunQuery,
        response: {
          200: pageView(runEvent).meta({ id: 'RunEventPage' }),
          204: z.null().describe('The run has ended and has no further events.'),
          ...problems,
        },
      },
    },
    async (request, reply) => {
      const run = await runs.get(request.caller.tenantId, request.params.id);
      const { include } = request.query;
      const after = lastSeen(request, request.query.after);
      if (request.headers.accept?.includes('application/json')) {
        return { data: await feed.stored(run, after, include), next_cursor: null };
      }
      if (runs.isFinal(run) && (await feed.stored(run, after, include)).length === 0) return reply.code(204).send(null);
      streams.acquire(request, reply);
      return streams.send(reply, run, after, include) as never;
    },
  );
};
