import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problems } from '../platform/http/problem.ts';
import { budgetsQuery, budgetsView, setBudgetsBody, tenantParams } from './schemas.ts';
import type { BudgetService } from './service.ts';
import { toLimitView } from './view.ts';

/** The routes of budgets. */
export const budgetRoutes: FastifyPluginAsyncZod<{ budgets: BudgetService }> = async (app, { budgets }) => {
  app.get(
    '/budgets',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listBudgets',
        summary: 'Look at the budgets of the caller’s tenant and key, and at what is used of them',
        tags: ['budgets'],
        querystring: budgetsQuery,
        response: { 200: budgetsView, ...problems },
      },
    },
    async ({ query, caller }) => {
      const { tenant, limits } = await budgets.usesOf(caller, query.tenant);
      return { tenant, data: limits.map(toLimitView) };
    },
  );

  app.put(
    '/budgets/:tenant',
    {
      config: { scope: 'admin' },
      schema: {
        operationId: 'setBudgets',
        summary: 'Give a tenant budgets of its own, in place of those it had; for the operator',
        tags: ['budgets'],
        params: tenantParams,
        body: setBudgetsBody,
        response: { 204: z.null(), ...problems },
      },
    },
    async ({ params: { tenant }, body, caller }, reply) => {
      await budgets.set(caller, tenant, body);
      return reply.code(204).send(null);
    },
  );
};
