import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { sendDownload } from '../../platform/http/download.ts';
import { fromCursor, pageQuery, pageView, toCursor } from '../../platform/http/paging.ts';
import { problems } from '../../platform/http/problem.ts';
import type { RunFilter } from '../../storage/port/index.ts';
import type { RunService } from '../service.ts';
import { toRunView } from '../views/run-view.ts';
import { runDetailView, runView } from '../views/schemas.ts';
import { inputDataParams, listRunsQuery, runCursor, runParams } from './schemas.ts';

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
        response: { 200: runDetailView, ...problems },
      },
    },
    async ({ params: { id }, caller: { tenantId } }) => {
      const run = await runs.get(tenantId, id);
      return { ...toRunView(run), context: await runs.context(tenantId, id) };
    },
  );

  app.get(
    '/runs/:id/input/:n',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'getRunInput',
        summary: 'Read large data of a run’s input: the bytes of a picture, a file or a sound',
        tags: ['runs'],
        params: inputDataParams,
        response: { 200: z.string().describe('The bytes, with the media type that the input names.'), ...problems },
      },
    },
    async ({ params: { id, n }, caller }, reply) =>
      sendDownload(reply, { ...(await runs.inputData(caller.tenantId, id, n)), filename: `input-${n}` }),
  );
};
