import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { problems } from '../../platform/http/problem.ts';
import { decisionsBody } from '../approvals/decisions.ts';
import type { RunService } from '../service.ts';
import { toRunView } from '../views/run-view.ts';
import { runView } from '../views/schemas.ts';
import { runParams } from './schemas.ts';

/** Decides about runs that exist: their cancellation, and the calls for which they require a decision. */
export const decisionRoutes: FastifyPluginAsyncZod<{ runs: RunService }> = async (app, { runs }) => {
  app.post(
    '/runs/:id/cancel',
    {
      config: { scope: 'run' },
      schema: {
        operationId: 'cancelRun',
        summary: 'Ask for the end of a run',
        tags: ['runs'],
        params: runParams,
        response: { 200: runView, ...problems },
      },
    },
    async ({ params: { id }, caller }) => toRunView(await runs.cancel(caller.tenantId, id)),
  );

  app.post(
    '/runs/:id/decisions',
    {
      config: { scope: 'run' },
      schema: {
        operationId: 'decideRun',
        summary: 'Decide about calls for which a run waits',
        tags: ['runs'],
        params: runParams,
        body: decisionsBody,
        response: { 200: runView, ...problems },
      },
    },
    async ({ params: { id }, body, caller }) =>
      toRunView(await runs.decide(caller.tenantId, id, body.decisions, caller.keyId ?? 'anonymous')),
  );
};
