import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { fromCursor, pageQuery, pageView, toCursor } from '../../platform/http/paging.ts';
import { problems } from '../../platform/http/problem.ts';
import type { RunFilter } from '../../storage/port/index.ts';
import type { RunService } from '../service.ts';
import { toRunView } from '../views/run-view.ts';
import { runView } from '../views/schemas.ts';
import { listRunsQuery, runCursor, runParams } from './schemas.ts';

const toMs = (time: string | undefined) => (time === undefined ? undefined : Date.parse(time));

/** Reads runs: a list of them, or one. */
export const readRoutes: FastifyPluginAsyncZod<{ runs: RunService }> = async (app, { runs }) => {
  app.get(
    '/runs',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listRuns',
        summary: 'List runs, newest first',
        tags: ['runs'],
        querystring: z.strictObject({ ...listRunsQuery, ...pageQuery }),
        response: { 200: pageView(runView).meta({ id: 'RunPage' }), ...problems },
      },
    },
    async ({ query, caller }) => {
      const { status, session_id: sessionId, agent, since, until } = query;
      const filter: RunFilter = { status, sessionId, agent, sinceMs: toMs(since), untilMs: toMs(until) };
      const before = fromCursor(runCursor, query.cursor);
      const page = await runs.list(caller.tenantId, filter, query.limit, before?.id ?? null);
      return { data: page.data.map(toRunView), next_cursor: toCursor(page.next === null ? null : { id: page.next }) };
    },
  );

  app.get(
    '/runs/:id',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'getRun',
        summary: 'Look at a run',
        tags: ['runs'],
        params: runParams,
        response: { 200: runView, ...problems },
      },
    },
    async ({ params: { id }, caller }) => toRunView(await runs.get(caller.tenantId, id)),
  );
};
