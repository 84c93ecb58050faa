import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problems } from '../../platform/http/problem.ts';
import type { RunService } from '../service.ts';
import { LongOutputs } from '../views/long-outputs.ts';
import { stepView, withWholeInput } from '../views/step-view.ts';
import { listStepsQuery, runParams } from './schemas.ts';

/** Reads the journal of a run. */
export const journalRoutes: FastifyPluginAsyncZod<{ runs: RunService }> = async (app, { runs }) => {
  app.get(
    '/runs/:id/steps',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listSteps',
        summary: 'Read the journal of a run: each model call and each tool call',
        tags: ['runs'],
        params: runParams,
        querystring: listStepsQuery,
        response: {
          200: z.object({ data: z.array(stepView), next_cursor: z.null() }).meta({ id: 'StepPage' }),
          ...problems,
        },
      },
    },
    async ({ params: { id }, query, caller }, reply) => {
      const long = new LongOutputs();
      reply.type('application/json; charset=utf-8'); // a serializer of its own has none
      reply.serializer((answer: unknown) => long.stringify(answer));
      const data =
        query.expand === 'input'
          ? withWholeInput(await runs.stepsWithSources(caller.tenantId, id))
          : (await runs.steps(caller.tenantId, id)).map((step) => long.toView(step));
      return { data, next_cursor: null };
    },
  );
};
